package archive

import (
	"hash/crc32"
	"io"
	"sort"
)

// CRC-32C is linear: the checksum of any stretch of a file follows from its states at the two
// ends. With states kept at regular places, the checksum of a record of any size costs the
// same, so that a search through a damaged archive is not slowed down by what only looks like
// a large record.

// A state is that of the CRC's register: crc32.Update inverts it on its way in and out.
type state = uint32

func updateState(s state, p []byte) state { return ^crc32.Update(^s, castagnoli, p) }

// order is that of x modulo the CRC's polynomial: x^order = 1.
const order = 1<<31 - 1

// one and x are 1 and x as polynomials in the CRC's bit order: the lowest power is the top bit.
const (
	polyOne = 1 << 31
	polyX   = 1 << 30
)

// squares holds x^(2^i).
var squares = func() (t [31]uint32) {
	t[0] = polyX
	for i := 1; i < len(t); i++ {
		t[i] = polyMul(t[i-1], t[i-1])
	}
	return t
}()

// polyMul multiplies modulo the CRC's polynomial.
func polyMul(a, b uint32) (p uint32) {
	for ; a != 0; a <<= 1 {
		if a&polyOne != 0 {
			p ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.Castagnoli
		}
	}
	return p
}

// polyPower returns x^(8n), for negative n, too.
func polyPower(n int64) uint32 {
	e := n % order * 8 % order
	if e < 0 {
		e += order
	}
	p := uint32(polyOne)
	for i := 0; e != 0; i, e = i+1, e>>1 {
		if e&1 != 0 {
			p = polyMul(p, squares[i])
		}
	}
	return p
}

// advance returns what n zero bytes make of s; those before it for negative n.
func advance(s state, n int64) state { return polyMul(polyPower(n), s) }

// sums knows the state of the CRC at every place of a file, from zero at its start, and how
// many numbers end before.
type sums struct {
	near, far source
	shift     uint    // a place is kept every 1<<shift bytes
	states    []state // at these places
	ends      []int64 // bytes below 0x80 before them: each ends a varint
}

// At most maxPlaces places are kept.
const (
	minShift  = 12
	maxPlaces = 1 << 24
)

// newSums reads all of the size bytes in r.
func newSums(r io.ReaderAt, size int64) (*sums, error) {
	z := &sums{near: source{r: r, size: size}, far: source{r: r, size: size, least: 1 << minShift}, shift: minShift}
	for size>>z.shift > maxPlaces {
		z.shift++
	}
	s, ends := state(0), int64(0)
	read := source{r: r, size: size}
	for pos := int64(0); ; pos += 1 << z.shift {
		z.states, z.ends = append(z.states, s), append(z.ends, ends)
		if pos+1<<z.shift > size {
			return z, nil
		}
		p, err := read.bytes(pos, 1<<z.shift)
		if err != nil {
			return nil, err
		}
		s = updateState(s, p)
		for _, b := range p {
			ends += int64(1 &^ (b >> 7))
		}
	}
}

// before returns the bytes between pos and the last place kept before it.
func (z *sums) before(pos int64) ([]byte, error) {
	from := pos &^ (1<<z.shift - 1)
	s := &z.far
	if from >= z.near.at && pos <= z.near.at+int64(len(z.near.buf)) {
		s = &z.near
	}
	return s.bytes(from, int(pos-from))
}

// state returns the state at pos.
func (z *sums) state(pos int64) (state, error) {
	p, err := z.before(pos)
	return updateState(z.states[pos>>z.shift], p), err
}

// checksum returns the CRC-32C of the n bytes at pos that continues crc.
func (z *sums) checksum(crc uint32, pos, n int64) (uint32, error) {
	a, err := z.state(pos)
	if err != nil {
		return 0, err
	}
	b, err := z.state(pos + n)
	return ^(advance(^crc^a, n) ^ b), err
}

// continued returns the crc that checksum would have to continue to return sum.
func (z *sums) continued(sum uint32, pos, n int64) (uint32, error) {
	a, err := z.state(pos)
	if err != nil {
		return 0, err
	}
	b, err := z.state(pos + n)
	return ^(advance(^sum^b, -n) ^ a), err
}

// skip returns where the n numbers end that start at pos, at least one; false if the file ends before.
func (z *sums) skip(pos, n int64) (int64, bool, error) {
	p, err := z.before(pos)
	if err != nil {
		return 0, false, err
	}
	want := z.ends[pos>>z.shift] + n
	for _, b := range p {
		want += int64(1 &^ (b >> 7))
	}
	// The last place with fewer ends before it.
	c := sort.Search(len(z.ends), func(i int) bool { return z.ends[i] >= want }) - 1
	from := int64(c) << z.shift
	if p, err = z.far.bytes(from, 1<<z.shift); err != nil {
		return 0, false, err
	}
	left := want - z.ends[c]
	for i, b := range p {
		if left -= int64(1 &^ (b >> 7)); left == 0 {
			return from + int64(i) + 1, true, nil
		}
	}
	return 0, false, nil
}
