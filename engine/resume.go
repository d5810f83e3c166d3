package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/archive"
)

// ErrNotResumable means that an interrupted archive cannot be continued with this
// input or these options.
var ErrNotResumable = errors.New("interrupted archive cannot be continued")

// ResumeFile is an interrupted archive; an *os.File opened for reading and
// writing is one.
type ResumeFile interface {
	io.ReaderAt
	io.WriteSeeker
	Truncate(size int64) error
}

// Resume goes on with an archive that an interrupted Compress left in f. src is the
// whole input, from its start: what the intact blocks in f hold is read again
// and compared with their checksums, what follows them is cut off, and the
// rest of src is compressed. Options must lead to the same model and mixing; the
// archive's own metadata stay. An f without even an intact header is written
// from the start. Errors wrap ErrNotResumable where input or options do not fit; f
// is then as it was.
func Resume(ctx context.Context, f ResumeFile, src io.Reader, o Options) (Result, error) {
	z, err := NewWriterContext(ctx, f, o)
	if err != nil {
		return Result{}, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return Result{}, err
	}
	p, err := archive.ReadPrefix(f, size)
	switch {
	case errors.Is(err, ErrTruncated):
		p = nil
	case err != nil:
		return Result{}, fmt.Errorf("%w: %w", ErrNotResumable, err)
	case !p.Matches(z.o.header(z.enc.mixed)):
		return Result{}, fmt.Errorf("%w: it was made with another model or other options", ErrNotResumable)
	}
	keep := int64(0)
	if p != nil {
		if err := z.takeOver(p, src); err != nil {
			return Result{}, err
		}
		if keep = p.Size; p.Complete {
			var one [1]byte
			if _, err := io.ReadFull(src, one[:]); err == nil {
				// The input has grown since: the index is written anew.
				if _, err := z.Write(one[:]); err != nil {
					return Result{}, err
				}
			} else if !errors.Is(err, io.EOF) {
				return Result{}, err
			}
		}
	}
	if err := f.Truncate(keep); err != nil {
		return Result{}, err
	}
	if _, err := f.Seek(keep, io.SeekStart); err != nil {
		return Result{}, err
	}
	return finishWriter(z, src)
}

// takeOver makes z go on after p, whose content src must begin with.
func (z *Writer) takeOver(p *archive.Prefix, src io.Reader) error {
	var buf []byte
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if err := z.ctx.Err(); err != nil {
			return err
		}
		if cap(buf) < b.Length {
			buf = make([]byte, b.Length)
		}
		buf = buf[:b.Length]
		if _, err := io.ReadFull(src, buf); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: the input is shorter than what was already compressed", ErrNotResumable)
		} else if err != nil {
			return err
		}
		if archive.Checksum(buf) != b.Sum {
			return fmt.Errorf("%w: the input differs from what was already compressed, in block %d", ErrNotResumable, i)
		}
		z.sum.Write(buf)
		if b.Kind == archive.Stored {
			z.job.result.StoredBlocks++
		}
		z.job.symbols.Add(int64(symbolsOf(p.Header, b)))
	}
	z.ar = p.NewWriter(&z.w)
	z.w.n = p.Size
	z.number = len(p.Blocks)
	z.job.bytes.Store(p.ContentSize())
	z.job.coded.Store(p.Size)
	z.job.result.Blocks = len(p.Blocks)
	z.job.result.Resumed = p.ContentSize()
	return nil
}

// symbolsOf returns the number of symbols that were coded in b.
func symbolsOf(h *archive.Header, b *archive.Block) int {
	switch {
	case b.Kind == archive.Stored:
		return 0
	case h.Model != nil && h.Model.Tokens:
		return b.Symbols
	}
	return b.Length
}
