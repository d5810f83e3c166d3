package filejob

import (
	"context"
	"io"
)

// interruptible returns a reader of r whose Read returns when ctx is done, even
// where r's own Read blocks (a pipe, a terminal). The goroutine that waits in r
// is then left to the end of the process.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	return &ctxReader{ctx: ctx, r: r, reply: make(chan readReply, 1)}
}

const ctxReaderSize = 256 << 10

type readReply struct {
	n   int
	err error
}

// A ctxReader reads through a buffer of its own: a goroutine that was given up on
// must not write to the caller's.
type ctxReader struct {
	ctx   context.Context
	r     io.Reader
	reply chan readReply
	buf   []byte
	rest  []byte // of buf, not yet handed out
	err   error
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	if len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if c.buf == nil {
			c.buf = make([]byte, ctxReaderSize)
		}
		go func() {
			n, err := c.r.Read(c.buf)
			c.reply <- readReply{n, err}
		}()
		select {
		case r := <-c.reply:
			c.rest, c.err = c.buf[:r.n], r.err
		case <-c.ctx.Done():
			c.err = context.Cause(c.ctx)
			return 0, c.err
		}
		if len(c.rest) == 0 {
			return 0, c.err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
