package filejob

import (
	"context"
	"errors"
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
	return engine.ReadRange(ctx, out, in.file, size, r.Range.From, r.Range.To, r.Read)
}
