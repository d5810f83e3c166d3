package filejob

import (
	"context"
	"errors"

	"github.com/llmz/llmz/engine"
)

// decompress decodes in to outPath. The engine checks everything on the way, so
// that a finished output is a verified one.
func (r *runner) decompress(ctx context.Context, in *input, outPath string) (Result, error) {
	out, err := r.createOutput(outPath, false)
	if err != nil {
		return Result{}, err
	}
	defer out.abort()
	o := r.Read
	o.Observer = withTotal(o.Observer, contentSize(in))
	res, err := engine.Decompress(ctx, out, in.r, o)
	var damage *engine.DamageError
	salvaged := errors.As(err, &damage) && res.OriginalBytes > 0
	if err != nil && !salvaged {
		return Result{}, err
	}
	if err := out.commit(restoredMeta(res.Meta, in)); err != nil {
		return Result{}, err
	}
	result := r.result(res, outPath)
	if salvaged {
		return result, &Error{Path: r.Input, Err: err, Help: "what is missing needs another copy of the archive"}
	}
	result.Verified = true
	r.remove(in, &result)
	return result, nil
}
