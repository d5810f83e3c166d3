package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// index is the last record of a member.
type index struct {
	// before is the number of bytes of the member before this record.
	before int64
	blocks int
	// part says that the member is a part.
	part bool
	// The following are kept only where the index is long.
	entries []entry
	sum     [sha256.Size]byte // of the whole content: see Summer
	header  []byte            // a copy of the header record
	digests []Digest          // of a part's blocks
}

// long tells whether the index has more than numbers: where there are two or more blocks,
// and in parts.
func (x *index) long() bool { return x.blocks > 1 || x.part }

// size returns the number of bytes of x's record.
func (x *index) size(id uint32) int { return len(x.append(nil, id)) }

// read parses p, the bytes where an index like x must be, and as long as its record
// unless the archive ends before. It fails unless the index there is x, but for the sum.
func (x *index) read(p []byte, id uint32) (*index, error) {
	got, _, err := parseIndex(p, id, x.part)
	if errors.Is(err, ErrTruncated) && len(p) >= x.size(id) {
		// An intact one would not be longer.
		err = &Error{What: "the index does not fit the blocks", Class: ErrCorrupt}
	}
	if err == nil && !got.equal(x) {
		err = &Error{What: "the index does not fit the blocks", Class: ErrCorrupt}
	}
	if err != nil {
		return nil, err
	}
	return got, nil
}

// equal tells whether x and y describe the same blocks. It leaves the sum and the digests
// alone.
func (x *index) equal(y *index) bool {
	if x.before != y.before || x.blocks != y.blocks {
		return false
	}
	return !x.long() || slices.Equal(x.entries, y.entries) && bytes.Equal(x.header, y.header)
}

// The most bytes that an index takes before its entries and for one of them.
const (
	maxIndexHead = 32
	maxEntry     = 9 + 5
)

// entry describes a block in an index.
type entry struct {
	size   int64 // of the whole block record
	length int64 // of its original content
}

func updateCRC(crc uint32, p []byte) uint32 { return crc32.Update(crc, castagnoli, p) }

// append appends the index record to p.
func (x *index) append(p []byte, id uint32) []byte {
	start := len(p)
	p = append(p, markIndex)
	p = binary.AppendUvarint(p, uint64(x.before))
	p = binary.AppendUvarint(p, uint64(x.blocks))
	if x.long() {
		for _, e := range x.entries {
			p = binary.AppendUvarint(p, uint64(e.size))
			p = binary.AppendUvarint(p, uint64(e.length))
		}
		p = append(p, x.sum[:]...)
		p = appendBytes(p, x.header)
	}
	if x.part {
		for i := range x.blocks {
			var d Digest // zeros where they are not known
			if i < len(x.digests) {
				d = x.digests[i]
			}
			p = append(p, d[:]...)
		}
	}
	p = binary.LittleEndian.AppendUint32(p, memberCRC(id, p[start:]))
	return appendReversed(p, uint64(len(p)-start))
}

// parseIndex parses the index record that p starts with, of the member with that id, which
// may be a part. It returns its size.
func parseIndex(p []byte, id uint32, part bool) (x *index, size int, err error) {
	f := fields{p: p}
	if f.byte() != markIndex && f.err == nil {
		return nil, 0, &Error{-1, 0, "neither a block nor the index starts here", ErrCorrupt}
	}
	x = &index{part: part}
	x.before = int64(f.uvarint())
	x.blocks = int(f.limited(MaxBlocks, errTooBig))
	if f.err == nil && int64(x.blocks) > x.before/minBlockRecord {
		f.err = errors.New("more blocks than there is room for before it")
	}
	if x.long() && f.err == nil {
		// An entry takes at least two bytes of p: no more are allocated than it can hold.
		x.entries = make([]entry, 0, min(x.blocks, (len(p)-f.pos)/2))
		for range x.blocks {
			e := entry{int64(f.uvarint()), int64(f.limited(MaxBlock, errTooBig))}
			if f.err != nil {
				break
			}
			x.entries = append(x.entries, e)
		}
		copy(x.sum[:], f.take(len(x.sum)))
		x.header = f.bytes(MaxHeader+16, errTooBig)
	}
	if part && f.err == nil {
		raw := f.take(len(Digest{}) * x.blocks)
		if f.err != nil {
			return nil, 0, inRecord(f.err, "index")
		}
		x.digests = make([]Digest, x.blocks)
		for i := range x.digests {
			copy(x.digests[i][:], raw[i*len(Digest{}):])
		}
	}
	end := f.pos
	crc := f.u32()
	if f.err == nil && crc != memberCRC(id, p[:end]) {
		return nil, 0, &Error{-1, 0, "in the index", ErrChecksum}
	}
	if f.err == nil {
		back := appendReversed(nil, uint64(f.pos))
		if got := f.take(len(back)); f.err == nil && !slices.Equal(got, back) {
			f.err = errors.New("wrong length at its end")
		}
	}
	if f.err != nil {
		return nil, 0, inRecord(f.err, "index")
	}
	return x, f.pos, nil
}
