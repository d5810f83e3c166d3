package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
)

// A Part is one of several parts of an archive, made apart from each other, on other
// machines perhaps: Join makes of them what one Compress would have written.
type Part = archive.Part

// PartOf returns part number, from 1 on, of so many parts of size bytes that are compressed
// with o. Its Range is what to compress, with Options.Part set to it.
func PartOf(o Options, size int64, number, of int) *Part {
	if o.NoModel {
		o.Model = nil
	}
	return &Part{Number: number, Of: of, Total: size, BlockSize: o.blockSize(), Lanes: o.Lanes}
}

// partAlone tells whether there is but one block in all parts; true for no part.
func partAlone(p *Part) bool { return p == nil || p.Total <= p.BlockSize }

// PartRange returns the bytes, from start to end, of the content of the archive of size bytes
// in src that part number of so many parts has: whole blocks, shared out as evenly as
// possible.
func PartRange(ctx context.Context, src io.ReaderAt, size int64, number, of int) (start, end int64, err error) {
	if number < 1 || number > of {
		return 0, 0, fmt.Errorf("%w: part %d of %d", ErrOptions, number, of)
	}
	_, blocks := contentSize(ctx, src, size)
	first, last := archive.Share(blocks, number, of)
	n := 0
	err = archive.Walk(ctxio.ReaderAt(ctx, src), size, func(m *archive.Member) error {
		for i := range m.Blocks {
			length := int64(m.Blocks[i].Length)
			if n < first {
				start += length
			}
			if n < last {
				end += length
			}
			n++
		}
		return nil
	})
	return start, end, err
}

// ErrParts is wrapped by errors about parts that do not make an archive.
var ErrParts = errors.New("parts do not fit together")

// A PartError says what is wrong with a part.
type PartError struct {
	// Name is the part's, empty where it is missing.
	Name string
	Err  error
}

func (e *PartError) Error() string {
	if e.Name == "" {
		return e.Err.Error()
	}
	return e.Name + ": " + e.Err.Error()
}

func (e *PartError) Unwrap() error { return e.Err }

// A PartFile is a file that holds a part.
type PartFile struct {
	Name string
	// Open opens it, more than once.
	Open func(context.Context) (f io.ReaderAt, size int64, close func() error, err error)
}
