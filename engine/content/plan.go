package content

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt is returned by Parse for bytes that are no plan.
var ErrCorrupt = errors.New("invalid list of content segments")

const (
	// MaxWidth is the largest Width of a segment.
	MaxWidth = 1 << 20
	// minSegment is the least average length of segments in a plan of more than one: no
	// kind can be of use in shorter ones. It bounds what a decoder allocates.
	minSegment = 32
)

// A segment is stored as a byte, and what it says there is:
//
//	bits 0-3  kind
//	bit 4     the last segment: it goes to the end of the block
//	bit 5     big-endian
//	bit 6     absolute targets
//	bit 7     0
//
// then a varint of the length, but for the last; a varint of the width, for kinds with
// one; a byte for the step, for kinds with one.
const (
	flagLast = 1 << (4 + iota)
	flagBigEndian
	flagAbsolute
)

// Append appends the plan's stored form to b.
func (p Plan) Append(b []byte) []byte {
	for i, s := range p {
		head := byte(s.Kind)
		if i == len(p)-1 {
			head |= flagLast
		}
		if s.BigEndian {
			head |= flagBigEndian
		}
		if s.Absolute {
			head |= flagAbsolute
		}
		b = append(b, head)
		if i < len(p)-1 {
			b = binary.AppendUvarint(b, uint64(s.Len))
		}
		if s.Kind.hasWidth() {
			b = binary.AppendUvarint(b, uint64(s.Width))
		}
		if s.Kind.hasStep() {
			b = append(b, byte(s.Step))
		}
	}
	return b
}

// Parse reads the plan of a block of n bytes, at least 1, from the beginning of b, and
// returns what follows it. The segments' lengths add up to n.
func Parse(b []byte, n int) (p Plan, rest []byte, err error) {
	for left := n; ; {
		if len(b) == 0 || b[0]&0x80 != 0 || left < 1 || len(p) > n/minSegment {
			return nil, nil, ErrCorrupt
		}
		head := b[0]
		b = b[1:]
		s := Segment{Kind: Kind(head & 15), Len: left, BigEndian: head&flagBigEndian != 0, Absolute: head&flagAbsolute != 0}
		var ok bool
		if head&flagLast == 0 {
			// Something is left for the last one.
			if s.Len, b, ok = parseVarint(b, left-1); !ok {
				return nil, nil, ErrCorrupt
			}
		}
		if s.Kind.hasWidth() {
			if s.Width, b, ok = parseVarint(b, MaxWidth); !ok {
				return nil, nil, ErrCorrupt
			}
		}
		if s.Kind.hasStep() {
			if len(b) == 0 {
				return nil, nil, ErrCorrupt
			}
			s.Step, b = int(b[0]), b[1:]
		}
		if !s.valid() {
			return nil, nil, ErrCorrupt
		}
		p = append(p, s)
		if head&flagLast != 0 {
			return p, b, nil
		}
		left -= s.Len
	}
}

// parseVarint reads a varint in its shortest form of at most limit.
func parseVarint(b []byte, limit int) (v int, rest []byte, ok bool) {
	u, n := binary.Uvarint(b)
	if n <= 0 || u > uint64(limit) || n > 1 && b[n-1] == 0 {
		return 0, nil, false
	}
	return int(u), b[n:], true
}
