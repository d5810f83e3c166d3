package archive

import (
	"errors"
	"io"
)

// Prefix is what is intact at the start of an incomplete member.
type Prefix struct {
	Header *Header
	// Blocks are the intact blocks, in order from the first.
	Blocks []Block
	// Size is the number of bytes that the header and they take: a writer goes on
	// there.
	Size int64
	// Complete says that nothing is missing: the member's index follows, or its only block
	// is there, and after it the archive ends.
	Complete bool
	// Whole says that the only block is there: nothing can go on after it.
	Whole bool

	member Member
	record []byte
	blocks []entry
	next   int64
}

// ReadPrefix reads and checks the start of the archive of size bytes in r, up to its
// first damage. It fails only if the header is not intact.
func ReadPrefix(r io.ReaderAt, size int64) (*Prefix, error) {
	s := source{r: r, size: size}
	h, rec, id, err := s.headerAt(0)
	if err != nil {
		return nil, err
	}
	p := &Prefix{Header: h, Size: int64(len(rec)), record: rec, member: Member{Header: h, HeaderSize: len(rec), id: id}}
	var buf []byte
	for {
		b, err := s.blockAt(p.Size, &p.member, len(p.Blocks))
		if err == nil && b.Offset != p.next {
			break
		}
		if err == nil {
			buf, err = s.payload(&p.member, b, buf)
		}
		if err != nil {
			if !isFormat(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, err
			}
			break
		}
		p.Blocks = append(p.Blocks, b.Block)
		p.blocks = append(p.blocks, entry{b.RecordSize, int64(b.Length)})
		p.Size += b.RecordSize
		p.next += int64(b.Length)
		if b.Whole {
			p.Whole, p.Complete = true, p.Size == size
			return p, nil
		}
	}
	want := index{before: p.Size, blocks: len(p.blocks), entries: p.blocks, header: rec, part: h.Part != nil}
	raw, err := s.bytes(p.Size, want.size(id))
	if err != nil {
		return nil, err
	}
	_, err = want.read(raw, id)
	p.Complete = err == nil && p.Size+int64(len(raw)) == size
	return p, nil
}

// ContentSize returns the number of original bytes in the intact blocks.
func (p *Prefix) ContentSize() int64 { return p.next }

// NewWriter returns a Writer that goes on after the prefix: w must append to its
// first Size bytes.
func (p *Prefix) NewWriter(w io.Writer) *Writer {
	z := newWriter(w, p.Header, p.record)
	z.pos, z.next = p.Size, p.next
	z.blocks = append(z.blocks, p.blocks...)
	z.whole = p.Whole
	return z
}

// Matches tells whether an archive that starts with header h starts as p does, so that it
// may be continued. Name, time, mode and what the sum is of may differ: they stay as they are.
func (p *Prefix) Matches(h *Header) bool {
	a, b := *p.Header, *h
	a.Name, a.Time, a.Mode, a.Digests = "", b.Time, 0, false
	b.Name, b.Mode, b.Digests = "", 0, false
	ra, errA := a.append(nil)
	rb, errB := b.append(nil)
	return errA == nil && errB == nil && string(ra) == string(rb)
}
