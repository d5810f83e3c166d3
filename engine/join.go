package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/ctxio"
)

// Join writes to dst the archive that files are the parts of, in any order: byte by byte
// what compressing all of it at once would have written. It decodes nothing, and has one
// block in memory. All parts are looked at before anything is written. Errors are a
// *PartError; they wrap ErrParts where parts are missing, twice there or do not belong
// together.
func Join(ctx context.Context, dst io.Writer, files []PartFile) (Result, error) {
	t := newTally(Compressing, 1, nil, 0, 0, nil)
	parts, err := gather(ctx, files)
	if err != nil {
		return Result{}, err
	}
	w := countingWriter{w: dst, tally: t}
	h, whole := joinedHeader(parts)
	t.result.Meta, t.result.NeedsModel, t.result.Mixed = headerMeta(h), h.Model != nil, h.Mixer != 0
	if h.Model != nil {
		t.result.Model.Ref = block.Ref(h.Model)
	}
	aw, err := archive.NewWriter(&w, h)
	if err != nil {
		return Result{}, err
	}
	sum := archive.NewSummer(h)
	for i := range parts {
		if err := parts[i].copy(ctx, aw, whole, sum, t); err != nil {
			return Result{}, err
		}
	}
	root, _ := sum.Sum()
	if err := aw.Close(root, nil); err != nil {
		return Result{}, err
	}
	t.result.OriginalBytes, t.result.CompressedBytes = aw.ContentSize(), w.n
	return t.finish(nil), nil
}

// gathered is a part that has been looked at.
type gathered struct {
	PartFile
	header *archive.Header
}

// gather looks at all parts and puts them in order. Each must be there, once, and belong to
// the others.
func gather(ctx context.Context, files []PartFile) ([]gathered, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: no parts", ErrOptions)
	}
	var parts []gathered
	for _, f := range files {
		g := gathered{PartFile: f}
		err := g.with(ctx, func(src io.ReaderAt, size int64) error {
			m, err := g.member(src, size)
			if err == nil {
				g.header = m.Header
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, g)
	}
	slices.SortStableFunc(parts, func(a, b gathered) int { return a.header.Part.Number - b.header.Part.Number })
	first := referencePart(parts)
	for i := range parts {
		if d := difference(first.header, parts[i].header); d != "" {
			return nil, parts[i].fail(fmt.Errorf("%w: it %s %s", ErrParts, d, first.Name))
		}
	}
	var missing []string
	for i, want := 0, 1; want <= first.header.Part.Of; want++ {
		if i < len(parts) && parts[i].header.Part.Number == want {
			i++
			if i < len(parts) && parts[i].header.Part.Number == want {
				return nil, parts[i].fail(fmt.Errorf("%w: part %d is there twice, in %s, too", ErrParts, want, parts[i-1].Name))
			}
			continue
		}
		missing = append(missing, fmt.Sprint(want))
	}
	if n := len(missing); n > 0 {
		what := "part " + missing[0] + " is"
		if n > 1 {
			what = "parts " + strings.Join(missing[:min(n, 20)], ", ") + " are"
			if n > 20 {
				what = fmt.Sprintf("parts %s and %d others are", strings.Join(missing[:20], ", "), n-20)
			}
		}
		return nil, &PartError{Err: fmt.Errorf("%w: %s missing, of %d", ErrParts, what, first.header.Part.Of)}
	}
	return parts, nil
}

// referencePart returns the part that others are compared with: one that names all that the
// options led to, and most others agree with.
func referencePart(parts []gathered) *gathered {
	best, votes := 0, -1
	for i := range parts[:min(len(parts), 64)] {
		n := 0
		for j := range parts[:min(len(parts), 64)] {
			if difference(parts[i].header, parts[j].header) == "" {
				n++
			}
		}
		if n > votes {
			best, votes = i, n
		}
	}
	return &parts[best]
}

// difference says what keeps b from being a part of the same archive as a; nothing if they
// belong together.
func difference(a, b *archive.Header) string {
	p, q := a.Part, b.Part
	switch {
	case a.Name != b.Name:
		return fmt.Sprintf("is a part of %q, not of %q as", b.Name, a.Name)
	case p.Total != q.Total:
		return fmt.Sprintf("is a part of %d bytes, not of %d as", q.Total, p.Total)
	case !a.Time.Equal(b.Time):
		return "is a part of a file of another time than"
	case a.Mode != b.Mode:
		return "is a part of a file of another mode than"
	case p.Of != q.Of:
		return fmt.Sprintf("is one of %d parts, not of %d as", q.Of, p.Of)
	case p.BlockSize != q.BlockSize:
		return fmt.Sprintf("has blocks of %d bytes, not of %d as", q.BlockSize, p.BlockSize)
	case p.Lanes != q.Lanes:
		return "was made with another number of lanes than"
	}
	if settled(a) || settled(b) {
		return ""
	}
	switch {
	case (a.Model == nil) != (b.Model == nil), a.Model != nil && !sameModel(a.Model, b.Model), a.Model != nil && a.Model.Name != b.Model.Name:
		return fmt.Sprintf("was made with the model %s, not %s as", modelOf(b), modelOf(a))
	case a.Mixer != b.Mixer:
		return fmt.Sprintf("was made with mixing version %d, not %d as", b.Mixer, a.Mixer)
	}
	return ""
}

func modelOf(h *archive.Header) string {
	if h.Model == nil {
		return "none"
	}
	return fmt.Sprintf("%s (%x)", h.Model.Name, h.Model.Digest[:min(4, len(h.Model.Digest))])
}

// settled tells whether the header names only what the only block needs, and not all that
// the options led to.
func settled(h *archive.Header) bool {
	start, end := h.Part.Range()
	return h.Part.Total < h.Part.BlockSize && start < end
}

// joinedHeader returns the header of the archive of all parts, and whether its only block is
// a whole one.
func joinedHeader(parts []gathered) (h *archive.Header, whole bool) {
	for i := range parts {
		p := parts[i].header
		if p.Part.Total == 0 {
			return emptyHeader(p), false
		}
		if whole = p.Part.Total < p.Part.BlockSize; whole && !settled(p) {
			continue
		}
		joined := *p
		joined.Part, joined.Digests = nil, !whole
		return &joined, whole
	}
	panic("no part has the only block") // gather has seen all of them
}

// with opens the part for f.
func (g *gathered) with(ctx context.Context, f func(src io.ReaderAt, size int64) error) error {
	src, size, closing, err := g.Open(ctx)
	if err != nil {
		return err
	}
	err = f(ctxio.ReaderAt(ctx, src), size)
	return errors.Join(err, closing())
}

func (g *gathered) fail(err error) error { return &PartError{g.Name, err} }

// member reads the layout of the part and checks that it holds its range.
func (g *gathered) member(src io.ReaderAt, size int64) (*archive.Member, error) {
	var found *archive.Member
	err := archive.Walk(src, size, func(m *archive.Member) error {
		if found != nil {
			return fmt.Errorf("%w: it holds several archives", ErrParts)
		}
		found = m
		if m.Header.Part == nil {
			return fmt.Errorf("%w: it is no part, but a whole archive", ErrParts)
		}
		return checkMember(m.Header)
	})
	if err != nil {
		return nil, g.fail(err)
	}
	p := found.Header.Part
	start, end := p.Range()
	holds := found.Length() == end-start
	for i := range found.Blocks {
		holds = holds && found.Blocks[i].Offset == int64(i)*p.BlockSize
	}
	if !holds {
		return nil, g.fail(fmt.Errorf("%w: it does not hold bytes %d to %d of the content", ErrCorrupt, start, end-1))
	}
	return found, nil
}

// copy writes the blocks of the part to w, and takes their digests into sum.
func (g *gathered) copy(ctx context.Context, w *archive.Writer, whole bool, sum *archive.Summer, t *tally) error {
	return g.with(ctx, func(src io.ReaderAt, size int64) error {
		m, err := g.member(src, size)
		if err != nil {
			return err
		}
		if d := difference(g.header, m.Header); d != "" || m.Header.Part.Number != g.header.Part.Number {
			return g.fail(fmt.Errorf("%w: it changed while it was read", ErrParts))
		}
		k := archive.NewMemberSeeker(src, size, m)
		own := archive.NewSummer(m.Header)
		var payload []byte
		for n := range m.Blocks {
			if err := ctx.Err(); err != nil {
				return err
			}
			b, err := k.Block(n)
			if err == nil {
				payload, err = k.Payload(payload)
			}
			if err != nil {
				return g.fail(err)
			}
			b.Whole = whole
			if err := w.WriteBlock(b, payload); err != nil {
				return err
			}
			own.Add(m.Digests[n])
			sum.Add(m.Digests[n])
			t.result.Blocks++
			if b.Kind == archive.Stored {
				t.result.StoredBlocks++
			}
		}
		if got, _ := own.Sum(); got != m.Sum {
			return g.fail(&archive.Error{Block: -1, What: "the digests of its blocks do not add up", Class: ErrChecksum})
		}
		return nil
	})
}
