// Package classic holds the well-known compressors that llmz is compared with:
// zip, gzip, bzip2, xz, zstd and brotli, each at the setting its users reach for
// when size matters, written in Go so that a comparison needs nothing installed.
//
// A Go library does not always search as hard as the reference program of the
// same format. Codec.Note says so where it matters, and reports print it: a
// comparison must not make the other side look worse than it is without a word.
//
// Determinism class: the output of every codec depends on its input only.
// Concurrency: a Codec holds no state and may be used by several goroutines.
package classic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrUnknown means that no codec has the name asked for.
var ErrUnknown = errors.New("unknown classic compressor")

// A Codec is a compressor at a fixed setting.
type Codec struct {
	// Name is the format and the setting: "xz-9".
	Name string
	// Library is the import path of what does the work.
	Library string
	// Setting says how the library was set, in its own terms.
	Setting string
	// Note says where the codec differs from the reference program of that name,
	// empty where the difference is below a percent.
	Note string

	aliases    []string
	compress   func(dst io.Writer, src io.Reader) error
	decompress func(dst io.Writer, src io.Reader) error
}

// Compress writes what is read from src to dst, compressed, as a complete file
// of its format. It stops with ctx.Err() soon after ctx is done.
func (c Codec) Compress(ctx context.Context, dst io.Writer, src io.Reader) error {
	return c.run(ctx, "compress", c.compress, dst, src)
}

// Decompress writes the content of the file read from src to dst. It stops
// with ctx.Err() soon after ctx is done.
func (c Codec) Decompress(ctx context.Context, dst io.Writer, src io.Reader) error {
	return c.run(ctx, "decompress", c.decompress, dst, src)
}

func (c Codec) run(ctx context.Context, verb string, f func(io.Writer, io.Reader) error, dst io.Writer, src io.Reader) error {
	if f == nil {
		return fmt.Errorf("%w: %q", ErrUnknown, c.Name)
	}
	err := f(ctxWriter{ctx, dst}, ctxReader{ctx, src})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.Name, verb, err)
	}
	return nil
}

// All returns every codec, from the oldest format to the newest.
func All() []Codec {
	return []Codec{zip9(), gzip9(), bzip29(), xz9(), zstd3(), zstdBest(), brotli11()}
}

// ByName returns the codec with that name, in any case. The error wraps
// ErrUnknown and lists the names there are.
func ByName(name string) (Codec, error) {
	all := All()
	names := make([]string, len(all))
	for i, c := range all {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
		for _, a := range c.aliases {
			if strings.EqualFold(a, name) {
				return c, nil
			}
		}
		names[i] = c.Name
	}
	return Codec{}, fmt.Errorf("%w: %q (there are %s)", ErrUnknown, name, strings.Join(names, ", "))
}

// ctxReader ends a stream with the context's error once the context is done.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

// Read hands out at most 256 kB at a time, so that a codec that fills a large
// buffer in one go still notices a cancelled context.
func (r ctxReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p[:min(len(p), 256<<10)])
}

// ctxWriter is ctxReader's counterpart: it stops the codecs that read all of
// their input before they start to work.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w ctxWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}
