package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
)

// Compress writes an archive of all of src to dst. After an error, what was
// written to dst is an incomplete archive, which Resume can go on from.
func Compress(ctx context.Context, dst io.Writer, src io.Reader, o Options) (Result, error) {
	z, err := NewWriterContext(ctx, dst, o)
	if err != nil {
		return Result{}, err
	}
	return finishWriter(z, src)
}

// finishWriter compresses all of src with z and closes it.
func finishWriter(z *Writer, src io.Reader) (Result, error) {
	_, err := z.ReadFrom(src)
	if err != nil && z.err == nil {
		z.err = err
	}
	err = z.Close()
	return z.Result(), err
}

// Decompress writes the content of the archive in src to dst. With
// ReadOptions.Salvage it goes on after damage: see Salvage.
func Decompress(ctx context.Context, dst io.Writer, src io.Reader, o ReadOptions) (Result, error) {
	if o.Salvage {
		return salvageReader(ctx, dst, src, o)
	}
	total, size, blocks := int64(-1), int64(0), 0
	if at, n, ok := randomAccess(src); ok {
		total, blocks = contentSize(ctx, at, n)
		size = n
		if err := o.checkOutput(total); err != nil {
			return Result{}, err
		}
	}
	z, err := NewReaderContext(ctx, src, o)
	if err != nil {
		return Result{}, err
	}
	z.d.tally.total, z.size = total, size
	z.ar.Expect(size)
	z.d.pipe.Expect(blocks)
	_, err = z.WriteTo(dst)
	return finishReader(z, err)
}

// contentSize returns the length of the content of the archive of size bytes in r, -1
// if it cannot be told, and the number of its blocks. It serves progress and planning only:
// damage is found by reading.
func contentSize(ctx context.Context, r io.ReaderAt, size int64) (n int64, blocks int) {
	err := archive.Walk(ctxio.ReaderAt(ctx, r), size, func(m *archive.Member) error {
		n = m.Content + m.Length()
		blocks += len(m.Blocks)
		return nil
	})
	if err != nil {
		return -1, 0
	}
	return n, blocks
}

func finishReader(z *Reader, err error) (Result, error) {
	if err != nil && (z.err == nil || errors.Is(z.err, io.EOF)) {
		z.err = err
	}
	closeErr := z.Close()
	if err == nil {
		err = closeErr
	}
	return z.Result(), err
}

// Verify decodes the archive in src and checks everything. If original is not
// nil, the content must also be equal to what it holds; otherwise errors wrap
// ErrDiffers.
func Verify(ctx context.Context, src io.Reader, original io.Reader, o ReadOptions) (Result, error) {
	var dst io.Writer = io.Discard
	var c *comparer
	if original != nil {
		c = &comparer{r: original}
		dst = c
	}
	o.Salvage = false
	if o.MemoryLimit == 0 {
		o.MemoryLimit = NoLimit // it is our own
	}
	o.MaxOutput = 0
	res, err := Decompress(ctx, dst, src, o)
	if err == nil && c != nil {
		err = c.end()
	}
	res.Verified = err == nil
	return res, err
}

// comparer is a writer that wants to be written what r holds.
type comparer struct {
	r   io.Reader
	buf []byte
	at  int64
}

func (c *comparer) Write(p []byte) (int, error) {
	if c.buf == nil {
		c.buf = make([]byte, 64<<10)
	}
	n := 0
	for n < len(p) {
		b := c.buf[:min(len(c.buf), len(p)-n)]
		k, err := io.ReadFull(c.r, b)
		if q := p[n : n+k]; !bytes.Equal(b[:k], q) {
			for i := range q {
				if q[i] != b[i] {
					return n + i, fmt.Errorf("%w: byte %d is %#02x, the original's %#02x", ErrDiffers, c.at+int64(i), q[i], b[i])
				}
			}
		}
		n += k
		c.at += int64(k)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return n, fmt.Errorf("%w: the original ends after %d bytes", ErrDiffers, c.at)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// end checks that the original has ended, too.
func (c *comparer) end() error {
	var one [1]byte
	switch _, err := io.ReadFull(c.r, one[:]); {
	case err == nil:
		return fmt.Errorf("%w: the original goes on after %d bytes", ErrDiffers, c.at)
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}
