package archive

import (
	"encoding/binary"
	"io"
)

// A survey is what a Scanner finds out about a damaged archive before it looks for intact
// records, so that it never looks at one part of the archive again and again, whatever the
// archive is made of: which members there are traces of, where the last intact record of
// each starts, and where the intact indexes are.
type survey struct {
	sums    *sums
	size    int64
	layouts []*Header         // of blocks: headers that differ in which fields blocks have
	members map[uint32]*trace // by the CRC of their id, which their records continue
	indexes map[int64]indexed // by where they start; those with a copy of the header
	starts  map[int64]int64   // where an index is, by the start of its member
}

// A trace is what is left of a member.
type trace struct {
	layout int
	last   int64 // where its last intact record starts, -1 for none
}

// An indexed is an intact index.
type indexed struct {
	key, id     uint32
	start, size int64
	part        bool
}

// maxLayouts is more than there are honest ways of writing blocks in one archive.
const maxLayouts = 8

// idKey returns the checksum that the records of a member continue.
func idKey(id uint32) uint32 { return memberCRC(id, nil) }

// newSurvey reads all of the size bytes in r.
func newSurvey(r io.ReaderAt, size int64) (*survey, error) {
	z, err := newSums(r, size)
	if err != nil {
		return nil, err
	}
	v := &survey{sums: z, size: size, members: map[uint32]*trace{}, indexes: map[int64]indexed{}, starts: map[int64]int64{}}
	if err := v.findMembers(r); err != nil {
		return nil, err
	}
	return v, v.findRecords(r)
}

// findMembers looks for headers, and for indexes with a copy of one.
func (v *survey) findMembers(r io.ReaderAt) error {
	s := source{r: r, size: v.size}
	budget := 2 * v.size // the bytes of indexes to read: intact ones do not overlap
	for pos := int64(0); ; pos++ {
		var err error
		if pos, err = s.find(pos, []byte{Magic[0], markIndex}); err != nil || pos >= v.size {
			return err
		}
		p, err := s.bytes(pos, 32)
		if err != nil {
			return err
		}
		if p[0] == markIndex {
			err = v.addIndex(&s, p, pos, &budget)
		} else if ok, e := v.headerAt(p, pos); ok {
			var h *Header
			var id uint32
			if h, _, id, e = s.headerAt(pos); e == nil {
				v.trace(h, id)
			} else if !isFormat(e) {
				err = e
			}
		} else {
			err = e
		}
		if err != nil {
			return err
		}
	}
}

// headerAt tells whether a header with the right checksum starts at pos with p.
func (v *survey) headerAt(p []byte, pos int64) (bool, error) {
	n, err := headerSize(p)
	if err != nil || pos+int64(n) > v.size {
		return false, nil
	}
	return v.sumIs(0, pos, int64(n)-4)
}

// sumIs tells whether the checksum of the n bytes at pos, which continues crc, follows them.
func (v *survey) sumIs(crc uint32, pos, n int64) (bool, error) {
	got, err := v.sums.checksum(crc, pos, n)
	if err != nil {
		return false, err
	}
	want, err := v.u32(pos + n)
	return got == want, err
}

func (v *survey) u32(pos int64) (uint32, error) {
	p, err := v.sums.far.bytes(pos, 4)
	if err != nil || len(p) < 4 {
		return 0, err
	}
	return binary.LittleEndian.Uint32(p), nil
}

// trace notes that there is a member with header h.
func (v *survey) trace(h *Header, id uint32) {
	if v.members[idKey(id)] != nil {
		return
	}
	tokens := func(h *Header) bool { return h.Model != nil && h.Model.Tokens }
	i := 0
	for ; i < len(v.layouts); i++ {
		l := v.layouts[i]
		if l.Mixer == h.Mixer && (l.Model != nil) == (h.Model != nil) && tokens(l) == tokens(h) {
			break
		}
	}
	if i == maxLayouts {
		return
	}
	if i == len(v.layouts) {
		v.layouts = append(v.layouts, h)
	}
	v.members[idKey(id)] = &trace{i, -1}
}

// addIndex notes the index at pos, if an intact one with a copy of a header starts there
// with p. It reads no more of them than the budget allows.
func (v *survey) addIndex(s *source, p []byte, pos int64, budget *int64) error {
	f := fields{p: p, pos: 1}
	before, blocks := int64(f.uvarint()), int64(f.limited(MaxBlocks, errTooBig))
	if f.err != nil || before > pos || blocks > before/minBlockRecord {
		return nil
	}
	entries := pos + int64(f.pos)
	if blocks > 0 {
		var ok bool
		var err error
		if entries, ok, err = v.sums.skip(entries, 2*blocks); err != nil || !ok {
			return err
		}
	}
	at := entries + 32 // after the SHA-256
	copied, err := v.sums.far.bytes(at, 8)
	if err != nil {
		return err
	}
	g := fields{p: copied}
	n := int64(g.limited(MaxHeader+16, errTooBig))
	at += int64(g.pos)
	end := at + n // of all but the checksum and the size
	if g.err != nil || n < 8 || end+4 > v.size {
		return nil
	}
	if ok, err := v.sumIs(0, at, n-4); err != nil || !ok { // the copy's own checksum
		return err
	}
	h, _, id, err := s.headerAt(at)
	if err != nil {
		if isFormat(err) {
			return nil
		}
		return err
	}
	part := h.Part != nil
	if part {
		end += blocks * int64(len(Digest{}))
	}
	if end+4 > v.size || blocks < 2 && !part {
		return nil
	}
	if ok, err := v.sumIs(idKey(id), pos, end-pos); err != nil || !ok {
		return err
	}
	size := end + 4 - pos
	size += int64(len(appendReversed(nil, uint64(size))))
	if size > *budget || pos+size > v.size {
		return nil
	}
	*budget -= size
	raw, err := s.bytes(pos, int(size))
	if err != nil {
		return err
	}
	x, _, err := parseIndex(raw, id, part)
	if err != nil || x.before != before {
		return nil
	}
	v.trace(h, id)
	v.indexes[pos] = indexed{idKey(id), id, pos - before, size, part}
	if _, ok := v.starts[pos-before]; !ok {
		v.starts[pos-before] = pos
	}
	return nil
}

// findRecords notes where the last intact record of each member starts.
func (v *survey) findRecords(r io.ReaderAt) error {
	s := source{r: r, size: v.size}
	for pos := int64(0); len(v.members) > 0; pos++ {
		var err error
		if pos, err = s.find(pos, []byte{markBlock, markIndex}); err != nil || pos >= v.size {
			return err
		}
		for i := range v.layouts {
			key, ok, err := v.recordAt(&s, pos, i)
			if err != nil {
				return err
			}
			if t := v.members[key]; ok && t != nil && t.layout == i {
				t.last = pos
			}
		}
	}
	return nil
}

// recordAt returns the key of the member that the record at pos must be one of to be intact,
// if it is a block, with its layout, or an index.
func (v *survey) recordAt(s *source, pos int64, layout int) (key uint32, ok bool, err error) {
	if x, ok := v.indexes[pos]; ok {
		return x.key, true, nil
	}
	p, err := s.bytes(pos, maxBlockHeader)
	if err != nil {
		return 0, false, err
	}
	var n int64 // of the bytes before the checksum
	head := 0   // of those before a block's check
	switch p[0] {
	case markBlock:
		b, size, err := parseBlockIf(p, v.layouts[layout], func([]byte, uint16) bool { return true })
		if err != nil {
			return 0, false, nil
		}
		head = size - 2
		n = int64(size) + int64(b.Size)
	case markIndex:
		f := fields{p: p, pos: 1}
		before, blocks := int64(f.uvarint()), f.uvarint()
		n = int64(f.pos)
		back := appendReversed(nil, uint64(n+4))
		f.take(4)
		if got := f.take(len(back)); f.err != nil || before > pos || blocks > 1 || string(got) != string(back) {
			return 0, false, nil
		}
	default:
		return 0, false, nil
	}
	if pos+n+4 > v.size {
		return 0, false, nil
	}
	sum, err := v.u32(pos + n)
	if err != nil {
		return 0, false, err
	}
	if key, err = v.sums.continued(sum, pos, n); err != nil {
		return 0, false, err
	}
	if head > 0 && binary.LittleEndian.Uint16(p[head:]) != uint16(updateCRC(key, p[:head])) {
		return 0, false, nil
	}
	return key, true, nil
}

// intact tells whether an intact block or index of the member with that key starts at pos.
func (v *survey) intact(s *source, pos int64, key uint32) (bool, error) {
	t := v.members[key]
	if t == nil {
		return false, nil
	}
	got, ok, err := v.recordAt(s, pos, t.layout)
	return ok && got == key, err
}
