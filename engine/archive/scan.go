package archive

import (
	"encoding/binary"
	"errors"
	"io"
)

// A Scanner finds the intact blocks of a damaged archive. It checks every block
// without decoding it, and looks for the next intact record after damage.
type Scanner struct {
	s      source
	pos    int64
	member *Member // nil until a header is found
	record []byte  // its header record
	open   bool    // blocks or the index of member may follow
	next   int64   // original bytes of the member found or given up so far
	base   int64   // original bytes of all members before
	exact  bool    // base is exact
	buf    []byte
	ready  []*Found
	done   bool  // the end of an empty archive has been reported
	err    error // damage seen since the last Found
}

// Found is an intact block, or a gap.
type Found struct {
	// Header is that of the member; nil in gaps before any header.
	Header *Header
	// Block is nil for a gap. Payload is its payload, valid until the next call.
	Block   *BlockAt
	Payload []byte
	// Offset is where the block or gap starts in the content of all members, -1
	// where that is not known.
	Offset int64
	// Lost is the number of original bytes lost in a gap, -1 where it is not known.
	Lost int64
	// Err says what is wrong in a gap.
	Err error
}

// NewScanner returns a Scanner of the size bytes in r.
func NewScanner(r io.ReaderAt, size int64) *Scanner {
	return &Scanner{s: source{r: r, size: size}, exact: true}
}

// Next returns the next block or gap, io.EOF after the last. Other errors are
// those of reading.
func (z *Scanner) Next() (*Found, error) {
	for len(z.ready) == 0 {
		if z.pos >= z.s.size {
			if z.open || z.s.size == 0 && !z.done {
				z.open, z.done = false, true
				z.damage(&Error{-1, z.pos, "it ends before its index", ErrTruncated})
			}
			if z.err != nil {
				z.gap(-1)
				continue
			}
			return nil, io.EOF
		}
		if err := z.step(); err != nil {
			return nil, err
		}
	}
	f := z.ready[0]
	z.ready = z.ready[1:]
	return f, nil
}

// damage remembers the first thing wrong since the last Found.
func (z *Scanner) damage(err error) {
	if z.err == nil {
		z.err = err
	}
}

// gap queues a gap of lost original bytes, -1 where their number is not known.
func (z *Scanner) gap(lost int64) {
	f := &Found{Offset: z.offset(), Lost: lost, Err: z.err}
	if z.member != nil {
		f.Header = z.member.Header
	}
	z.err = nil
	z.ready = append(z.ready, f)
	if lost > 0 {
		z.next += lost
	}
	if lost < 0 {
		z.exact = false
	}
}

func (z *Scanner) offset() int64 {
	if !z.exact {
		return -1
	}
	return z.base + z.next
}

// step handles the record at pos, or skips what is none.
func (z *Scanner) step() error {
	mark, err := z.s.bytes(z.pos, 1)
	if err != nil {
		return err
	}
	switch {
	case mark[0] == Magic[0], z.member == nil && z.pos == 0:
		h, rec, id, err := z.s.headerAt(z.pos)
		if err == nil {
			z.begin(&Member{Header: h, Offset: z.pos, HeaderSize: len(rec), id: id}, rec)
			return nil
		}
		if !isFormat(err) {
			return err
		}
		z.damage(err)
	case mark[0] == markBlock && z.open:
		done, err := z.block()
		if done || err != nil {
			return err
		}
	case mark[0] == markIndex && z.open:
		x, size, err := z.indexAt(z.pos, z.member.Offset, true)
		if err != nil && !isFormat(err) {
			return err
		}
		if err == nil {
			z.end(x)
			z.pos += int64(size)
			return nil
		}
		z.damage(at(err, -1, z.pos))
	}
	z.damage(&Error{-1, z.pos, "no intact record starts here", ErrCorrupt})
	if !z.open {
		if ok, err := z.recover(); ok || err != nil {
			return err
		}
	}
	return z.resync()
}

// begin starts a member.
func (z *Scanner) begin(m *Member, rec []byte) {
	if z.open {
		z.damage(&Error{-1, z.pos, "the index is missing", ErrCorrupt})
	}
	if z.err != nil {
		z.gap(-1)
	}
	z.base += z.next
	z.next = 0
	z.member, z.record, z.open = m, rec, true
	z.pos = m.Offset + int64(len(rec))
}

// block handles what seems to be a block. It returns false if it is none.
func (z *Scanner) block() (bool, error) {
	b, err := z.s.blockAt(z.pos, z.member, -1)
	if err != nil {
		z.damage(err)
		if !isFormat(err) {
			return false, err
		}
		return false, nil
	}
	payload, err := z.s.payload(z.member, b, z.buf)
	if err != nil {
		if !isFormat(err) {
			return false, err
		}
		z.damage(at(err, -1, z.pos))
		// The header may be right: then a record follows the payload.
		if z.plausible(z.pos + b.RecordSize) {
			if b.Whole && z.next == 0 {
				z.gap(int64(b.Length))
				z.open = false
			}
			z.pos += b.RecordSize
			return true, nil
		}
		return false, nil
	}
	z.buf = payload
	z.pos += b.RecordSize
	if b.Offset < z.next {
		z.damage(&Error{-1, b.At, "a block comes twice or out of order", ErrCorrupt})
		return true, nil
	}
	if b.Offset > z.next {
		z.damage(&Error{-1, b.At, "blocks are missing", ErrCorrupt})
		z.gap(b.Offset - z.next)
	} else {
		z.err = nil // only padding was damaged: nothing is lost
	}
	z.ready = append(z.ready, &Found{Header: z.member.Header, Block: b, Payload: payload, Offset: z.offset()})
	z.next += int64(b.Length)
	z.open = !b.Whole
	return true, nil
}

// end handles the index.
func (z *Scanner) end(x *index) {
	z.open = false
	var total int64
	for _, e := range x.entries {
		total += e.length
	}
	switch {
	case x.blocks == 1 && z.next == 0:
		z.damage(&Error{-1, z.pos, "the only block is damaged", ErrCorrupt})
		z.gap(-1)
	case x.blocks > 1 && z.next < total:
		z.damage(&Error{-1, z.pos, "blocks are missing", ErrCorrupt})
		z.gap(total - z.next)
	default:
		z.err = nil
	}
}

// indexAt parses the index at pos of a member that starts at start.
func (z *Scanner) indexAt(pos, start int64, known bool) (*index, int, error) {
	// Before reading all of it, see whether it belongs here.
	p, err := z.s.bytes(pos, 1+binary.MaxVarintLen64)
	if err != nil {
		return nil, 0, err
	}
	f := fields{p: p}
	if f.byte() != markIndex || int64(f.uvarint()) != pos-start || f.err != nil {
		return nil, 0, &Error{-1, 0, "no index starts here", ErrCorrupt}
	}
	const most = 1 << 24
	if p, err = z.s.bytes(pos, most); err != nil {
		return nil, 0, err
	}
	var id uint32
	if known {
		id = z.member.id
	}
	return parseIndex(p, id, known)
}

// recover looks for the index of the member that should start at pos, and takes the
// header from it.
func (z *Scanner) recover() (bool, error) {
	for q := z.pos + 1; q < z.s.size; q++ {
		q, err := z.find(q, []byte{markIndex})
		if err != nil || q >= z.s.size {
			return false, err
		}
		x, _, err := z.indexAt(q, z.pos, false)
		if err != nil {
			if !isFormat(err) {
				return false, err
			}
			continue
		}
		h, size, id, err := parseHeader(x.header)
		if err != nil {
			continue
		}
		start := z.pos
		z.err = nil // no content is lost with the header
		z.begin(&Member{Header: h, Offset: start, HeaderSize: size, id: id}, x.header)
		return true, nil
	}
	return false, nil
}

// resync moves pos to the next place where a record may start. Records of the
// open member come first: a header before them belongs to an archive that is
// part of the content.
func (z *Scanner) resync() error {
	from := z.pos + 1
	if z.open {
		if err := z.seek(from, []byte{markBlock, markIndex}); err != nil || z.pos < z.s.size {
			return err
		}
	}
	return z.seek(from, []byte{Magic[0]})
}

// seek moves pos to the first place from q on where a record with one of marks may
// start, or to the end.
func (z *Scanner) seek(q int64, marks []byte) error {
	for ; ; q++ {
		var err error
		if q, err = z.find(q, marks); err != nil {
			return err
		}
		if q >= z.s.size || z.plausible(q) {
			z.pos = min(q, z.s.size)
			return nil
		}
	}
}

// plausible tells whether a record with an intact header starts at pos, or the
// archive ends there.
func (z *Scanner) plausible(pos int64) bool {
	if pos >= z.s.size {
		return pos == z.s.size
	}
	p, err := z.s.bytes(pos, 1)
	if err != nil {
		return false
	}
	switch p[0] {
	case Magic[0]:
		_, _, _, err = z.s.headerAt(pos)
	case markBlock:
		_, err = z.s.blockAt(pos, z.member, -1)
	case markIndex:
		_, _, err = z.indexAt(pos, z.member.Offset, true)
	default:
		return false
	}
	return err == nil
}

// find returns the first position from pos on that holds one of marks.
func (z *Scanner) find(pos int64, marks []byte) (int64, error) {
	for pos < z.s.size {
		p, err := z.s.bytes(pos, cacheSize)
		if err != nil {
			return pos, err
		}
		for i, b := range p {
			for _, m := range marks {
				if b == m {
					return pos + int64(i), nil
				}
			}
		}
		pos += int64(len(p))
	}
	return pos, nil
}

// isFormat tells whether err is about the archive, not about reading it.
func isFormat(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
