package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/outfile"
)

// decompress decodes in to outPath. The engine checks everything on the way, so
// that a finished output is a verified one.
func (r *runner) decompress(ctx context.Context, in *input, outPath string) (Result, error) {
	out, err := r.createOutput(ctx, outPath, false)
	if err != nil {
		return Result{}, err
	}
	defer out.abort()
	removes := r.removes(in, out)
	res, err := r.decode(ctx, out, in)
	var damage *engine.DamageError
	salvaged := errors.As(err, &damage) && res.OriginalBytes > 0
	if err != nil && !salvaged {
		if ctx.Err() == nil && !in.unchanged() {
			err = &Error{Path: in.path, Err: fmt.Errorf("%w: %w", ErrChanged, err), Help: "try again when nothing writes to it"}
		}
		return Result{}, err
	}
	if err := r.commit(out, restored(res.Meta, in, outfile.Umask())); err != nil {
		return Result{}, err
	}
	result := r.result(res, outPath)
	if salvaged {
		return result, &Error{Path: r.Input, Err: err, Help: "what is missing needs another copy of the archive"}
	}
	result.Verified = true
	if removes {
		err = r.remove(in, &result)
	}
	return result, err
}

// decode writes what is asked for of the content to out.
func (r *runner) decode(ctx context.Context, out io.Writer, in *input) (engine.Result, error) {
	if r.Range == nil {
		return engine.Decompress(ctx, out, in.r, r.Read)
	}
	size := in.size()
	if size < 0 {
		return engine.Result{}, errors.New("only files can be read in part")
	}
	res, err := engine.ReadRange(ctx, out, in.file, size, r.Range.From, r.Range.To, r.Read)
	if err == nil {
		r.warnShort(res.OriginalBytes)
	}
	return res, err
}

// warnShort tells of a range that goes past the content's end, of which n bytes
// were written.
func (r *runner) warnShort(n int64) {
	from, to := r.Range.From, r.Range.To
	switch {
	case n == 0 && (to < 0 || to > from) && from > 0:
		r.warn(r.Input, fmt.Errorf("the content ends before byte %d: nothing was written", from), "")
	case to >= 0 && n < to-from:
		r.warn(r.Input, fmt.Errorf("the content ends with byte %d: %d of the %d bytes were written", from+n-1, n, to-from), "")
	}
}
