package engine

import (
	"bytes"
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
// archive's own metadata stay. An f without an intact block is written from the
// start. Errors wrap ErrNotResumable where input or options do not fit; f
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
	case !matches(p, z.header):
		if o.ForRepeats != nil {
			o.Model, o.ForRepeats = o.ForRepeats, nil
			return Resume(ctx, f, src, o) // it is what the first block asked for
		}
		return Result{}, fmt.Errorf("%w: it was made with another model or other options", ErrNotResumable)
	}
	if p != nil {
		if src, err = z.takeOver(p, src); err != nil {
			return Result{}, err
		}
	}
	if err := f.Truncate(z.w.n); err != nil {
		return Result{}, err
	}
	if _, err := f.Seek(z.w.n, io.SeekStart); err != nil {
		return Result{}, err
	}
	return finishWriter(z, src)
}

// takeOver makes z go on after p, whose content src must begin with. It returns what of
// the input is still to be compressed.
func (z *Writer) takeOver(p *archive.Prefix, src io.Reader) (io.Reader, error) {
	z.o.Meta = headerMeta(p.Header)
	z.header.Name, z.header.Time, z.header.Mode = p.Header.Name, p.Header.Time, p.Header.Mode
	if len(p.Blocks) == 0 {
		return src, nil
	}
	sum := archive.NewSummer(p.Header)
	var buf []byte
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if err := z.ctx.Err(); err != nil {
			return nil, err
		}
		if cap(buf) < b.Length {
			buf = make([]byte, b.Length)
		}
		buf = buf[:b.Length]
		if _, err := io.ReadFull(src, buf); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%w: the input is shorter than what was already compressed", ErrNotResumable)
		} else if err != nil {
			return nil, err
		}
		if archive.Checksum(buf) != b.Sum {
			return nil, fmt.Errorf("%w: the input differs from what was already compressed, in block %d", ErrNotResumable, i)
		}
		if p.Whole {
			var one [1]byte
			if n, err := io.ReadFull(src, one[:]); n > 0 {
				// The input has grown since: the block is no longer the only one.
				return io.MultiReader(bytes.NewReader(append(buf, one[0])), src), nil
			} else if !errors.Is(err, io.EOF) {
				return nil, err
			}
		}
		sum.Write(buf)
		sum.EndBlock()
		if b.Kind == archive.Stored {
			z.tally.result.StoredBlocks++
		}
		z.tally.symbols.Add(int64(symbolsOf(p.Header, b)))
	}
	z.ar, z.sum, z.header.Digests = p.NewWriter(&z.w), sum, p.Header.Digests
	z.w.n = p.Size
	z.number, z.tally.first = len(p.Blocks), len(p.Blocks)
	z.tally.bytes.Store(p.ContentSize())
	z.tally.coded.Store(p.Size)
	z.tally.result.Blocks = len(p.Blocks)
	z.tally.result.Resumed = p.ContentSize()
	return src, nil
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

// matches tells whether options with header h lead to p, but for what a whole block
// leaves out.
func matches(p *archive.Prefix, h *archive.Header) bool {
	if len(p.Blocks) == 0 {
		return true // there is nothing to go on from
	}
	if p.Matches(h) {
		return true
	}
	if !p.Whole {
		return false
	}
	less := *h
	if less.Model = nil; p.Blocks[0].Kind == archive.Stored {
		less.Mixer = 0
	}
	fast, always := less, *h
	fast.Mixer = min(fast.Mixer, archive.MixerFast)
	if h.Mixer == archive.MixerFast { // the rich mixer is never replaced by it
		always.Mixer = archive.MixerWhole
	}
	return p.Matches(&less) || p.Matches(&fast) || p.Matches(&always)
}
