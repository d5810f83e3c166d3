// Package ctxio opens, reads and writes what may block - named pipes, terminals,
// devices - and reads and digests files, no longer than a context lasts.
package ctxio

import (
	"context"
	"io"
	"os"
)

// chunk is the most that is read or written at once where that may block.
const chunk = 256 << 10

// ioReply is what a call that may block came to.
type ioReply struct {
	n    int
	file *os.File
	err  error
}

// await returns what call comes to, or the cause of ctx's end as soon as it has
// ended. The goroutine that waits in call is then left to the end of the process.
func await(ctx context.Context, call func() ioReply) ioReply {
	if ctx.Err() != nil {
		return ioReply{err: context.Cause(ctx)}
	}
	reply := make(chan ioReply, 1)
	go func() { reply <- call() }()
	select {
	case r := <-reply:
		return r
	case <-ctx.Done():
		return ioReply{err: context.Cause(ctx)}
	}
}

// Open opens path where that may wait, for the other end of a named pipe, but no
// longer than ctx lasts. A file that opens after that is closed again.
func Open(ctx context.Context, path string, flag int) (*os.File, error) {
	r := await(ctx, func() ioReply {
		f, err := os.OpenFile(path, flag, 0)
		if err == nil && ctx.Err() != nil {
			f.Close()
			return ioReply{err: context.Cause(ctx)}
		}
		return ioReply{file: f, err: err}
	})
	return r.file, r.err
}

// Reader returns a reader of r whose Read returns when ctx is done, even
// where r's own Read blocks (a pipe, a terminal).
func Reader(ctx context.Context, r io.Reader) io.Reader {
	return &reader{ctx: ctx, r: r}
}

// A reader reads through a buffer of its own: a goroutine that was given up on
// must not write to the caller's.
type reader struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte
	rest []byte // of buf, not yet handed out
	err  error
}

func (c *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	if len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if c.buf == nil {
			c.buf = make([]byte, chunk)
		}
		r := await(c.ctx, func() ioReply {
			n, err := c.r.Read(c.buf)
			return ioReply{n: n, err: err}
		})
		c.rest, c.err = c.buf[:r.n], r.err
		if len(c.rest) == 0 {
			return 0, c.err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Writer returns a writer to w whose Write returns when ctx is done, even where w
// blocks because nobody reads.
func Writer(ctx context.Context, w io.Writer) io.Writer { return &writer{ctx: ctx, w: w} }

// A writer writes from a buffer of its own, as a reader reads.
type writer struct {
	ctx context.Context
	w   io.Writer
	buf []byte
}

func (c *writer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c.buf = append(c.buf[:0], p[n:min(len(p), n+chunk)]...)
		r := await(c.ctx, func() ioReply {
			k, err := c.w.Write(c.buf)
			return ioReply{n: k, err: err}
		})
		n += r.n
		if r.err != nil {
			return n, r.err
		}
	}
	return n, nil
}
