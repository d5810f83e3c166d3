package archive

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// findSize is how many bytes a search looks at in one go.
const findSize = 1 << 12

// A Scanner finds the intact blocks of a damaged archive. It checks every block
// without decoding it, and looks for the next intact record after damage. Its work is
// linear in the size of the archive, whatever that is made of.
type Scanner struct {
	// Check, if set, is called before the payload of an intact block is read. Next returns
	// its error.
	Check func(*Header, *Block) error

	s      source
	survey *survey // nil until something is damaged
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
		x, size, err := z.index()
		if err != nil && !isFormat(err) {
			return err
		}
		if err == nil {
			z.end(x)
			z.pos += size
			return nil
		}
		z.damage(at(err, -1, z.pos))
	}
	z.damage(&Error{-1, z.pos, "no intact record starts here", ErrCorrupt})
	if err := z.look(); err != nil {
		return err
	}
	if !z.open {
		if ok, err := z.recover(); ok || err != nil {
			return err
		}
	}
	return z.resync()
}

// look makes the survey, once.
func (z *Scanner) look() (err error) {
	if z.survey == nil {
		z.survey, err = newSurvey(z.s.r, z.s.size)
	}
	return err
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
	payload, err := z.payload(b)
	if err != nil {
		if !isFormat(err) {
			return false, err
		}
		z.damage(at(err, -1, z.pos))
		if err := z.look(); err != nil {
			return false, err
		}
		// The header may be right: then a record follows the payload.
		follows, err := z.plausible(z.pos + b.RecordSize)
		if err != nil {
			return false, err
		}
		if follows {
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
	case x.blocks == 1 && z.next == 0 && !x.part:
		z.damage(&Error{-1, z.pos, "the only block is damaged", ErrCorrupt})
		z.gap(-1)
	case x.long() && z.next < total:
		z.damage(&Error{-1, z.pos, "blocks are missing", ErrCorrupt})
		z.gap(total - z.next)
	default:
		z.err = nil
	}
}

// payload reads and checks the payload of b.
func (z *Scanner) payload(b *BlockAt) ([]byte, error) {
	if z.survey != nil {
		// One that is not intact is not read again and again.
		if ok, err := z.survey.intact(&z.s, b.At, idKey(z.member.id)); err != nil || !ok {
			return nil, errors.Join(err, &Error{What: "the coded data is damaged", Class: ErrChecksum})
		}
	}
	if z.Check != nil {
		if err := z.Check(z.member.Header, &b.Block); err != nil {
			return nil, err
		}
	}
	return z.s.payload(z.member, b, z.buf)
}

// index reads the index at pos, and returns its size.
func (z *Scanner) index() (*index, int64, error) {
	start, id := z.member.Offset, z.member.id
	p, err := z.s.bytes(z.pos, maxIndexHead)
	if err != nil {
		return nil, 0, err
	}
	f := fields{p: p, pos: 1}
	before, blocks := int64(f.uvarint()), int64(f.limited(MaxBlocks, errTooBig))
	wrong := &Error{-1, 0, "no index starts here", ErrCorrupt}
	if f.err != nil || before != z.pos-start || blocks > before/minBlockRecord {
		return nil, 0, wrong
	}
	size := maxIndexHead + blocks*maxEntry
	part := z.member.Header.Part != nil
	if blocks > 1 || part {
		size += blocks * int64(len(Digest{}))
		size += 32 + MaxHeader + 16 + 8
		if z.survey != nil {
			x := z.survey.indexes[z.pos]
			if x.start != start || x.id != id || x.size == 0 {
				return nil, 0, wrong
			}
			size = x.size
		}
	}
	if p, err = z.s.bytes(z.pos, int(min(size, z.s.size-z.pos))); err != nil {
		return nil, 0, err
	}
	x, n, err := parseIndex(p, id, part)
	return x, int64(n), err
}

// recover looks for the index of the member that should start at pos, and takes the
// header from it.
func (z *Scanner) recover() (bool, error) {
	at, ok := z.survey.starts[z.pos]
	if !ok {
		return false, nil
	}
	x := z.survey.indexes[at]
	p, err := z.s.bytes(at, int(x.size))
	if err != nil {
		return false, err
	}
	got, _, err := parseIndex(p, x.id, x.part)
	if err != nil {
		return false, nil // it changed
	}
	h, size, id, err := parseHeader(got.header)
	if err != nil {
		return false, nil
	}
	start := z.pos
	z.err = nil // no content is lost with the header
	z.begin(&Member{Header: h, Offset: start, HeaderSize: size, id: id}, slices.Clone(got.header))
	return true, nil
}

// resync moves pos to the next place where a record may start. Records of the
// open member come first: a header before them belongs to an archive that is
// part of the content.
func (z *Scanner) resync() error {
	from := z.pos + 1
	if z.open {
		key := idKey(z.member.id)
		t := z.survey.members[key]
		for q := from; t != nil && q <= t.last; q++ {
			var err error
			if q, err = z.s.find(q, []byte{markBlock, markIndex}); err != nil {
				return err
			}
			if ok, err := z.survey.intact(&z.s, q, key); ok || err != nil {
				z.pos = q
				return err
			}
		}
	}
	for q := from; ; q++ {
		var err error
		if q, err = z.s.find(q, []byte{Magic[0]}); err != nil {
			return err
		}
		p, err := z.s.bytes(q, headerPrefix)
		if err != nil {
			return err
		}
		ok, err := z.survey.headerAt(p, q)
		if ok || q >= z.s.size || err != nil {
			z.pos = min(q, z.s.size)
			return err
		}
	}
}

// plausible tells whether a record with an intact header starts at pos, or the
// archive ends there.
func (z *Scanner) plausible(pos int64) (bool, error) {
	if pos >= z.s.size {
		return pos == z.s.size, nil
	}
	p, err := z.s.bytes(pos, headerPrefix)
	if err != nil {
		return false, err
	}
	switch p[0] {
	case Magic[0]:
		return z.survey.headerAt(p, pos)
	case markBlock:
		_, err = z.s.blockAt(pos, z.member, -1)
		if err != nil && !isFormat(err) {
			return false, err
		}
		return err == nil, nil
	case markIndex:
		return z.survey.intact(&z.s, pos, idKey(z.member.id))
	}
	return false, nil
}

// find returns the first position from pos on that holds one of marks, or the end.
func (s *source) find(pos int64, marks []byte) (int64, error) {
	for pos < s.size {
		p, err := s.bytes(pos, findSize)
		if err != nil {
			return pos, err
		}
		best := -1
		for _, m := range marks {
			if i := bytes.IndexByte(p, m); i >= 0 {
				best, p = i, p[:i]
			}
		}
		if best >= 0 {
			return pos + int64(best), nil
		}
		pos += min(findSize, s.size-pos)
	}
	return pos, nil
}

// isFormat tells whether err is about the archive, not about reading it.
func isFormat(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
