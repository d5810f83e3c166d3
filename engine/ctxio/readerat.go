package ctxio

import (
	"context"
	"io"
)

// ReaderAt returns a reader of r that fails once ctx is done: what reads through it in a
// loop ends soon after.
func ReaderAt(ctx context.Context, r io.ReaderAt) io.ReaderAt { return &readerAt{ctx, r} }

type readerAt struct {
	ctx context.Context
	r   io.ReaderAt
}

func (c *readerAt) ReadAt(p []byte, at int64) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.ReadAt(p, at)
}
