package archive

import (
	"encoding/binary"
	"errors"
)

// errShort means that a record goes on after the bytes at hand.
var errShort = errors.New("record is incomplete")

// errVarint means that a number is not in its shortest form or above 2^63.
var errVarint = errors.New("malformed number")

// fields reads the fields of a record one after the other. After the first error
// all reads return zeros.
type fields struct {
	p   []byte
	pos int
	err error
}

// take returns the next n bytes.
func (f *fields) take(n int) []byte {
	if f.err != nil {
		return nil
	}
	if n < 0 || n > len(f.p)-f.pos {
		f.err = errShort
		return nil
	}
	f.pos += n
	return f.p[f.pos-n : f.pos : f.pos]
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) u16() uint16 {
	if b := f.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (f *fields) u32() uint32 {
	if b := f.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a number below 2^63 in LEB128, in its shortest form.
func (f *fields) uvarint() uint64 {
	if f.err != nil {
		return 0
	}
	v, n := binary.Uvarint(f.p[f.pos:])
	switch {
	case n == 0:
		f.err = errShort
	case n < 0 || v >= 1<<63 || n > 1 && f.p[f.pos+n-1] == 0:
		f.err = errVarint
	default:
		f.pos += n
		return v
	}
	return 0
}

// limited reads a number and sets err to tooBig if it is above limit.
func (f *fields) limited(limit uint64, tooBig error) uint64 {
	v := f.uvarint()
	if f.err == nil && v > limit {
		f.err = tooBig
		return 0
	}
	return v
}

// bytes reads a length of at most limit and as many bytes.
func (f *fields) bytes(limit uint64, tooBig error) []byte {
	return f.take(int(f.limited(limit, tooBig)))
}

func appendBytes[T string | []byte](p []byte, s T) []byte {
	return append(binary.AppendUvarint(p, uint64(len(s))), s...)
}

// appendReversed appends the bytes of v's LEB128 form, last one first, so that it
// can be read from the end.
func appendReversed(p []byte, v uint64) []byte {
	b := binary.AppendUvarint(nil, v)
	for i := len(b) - 1; i >= 0; i-- {
		p = append(p, b[i])
	}
	return p
}

// reversedUvarint reads the number that ends p, and the bytes it takes; 0 bytes if
// there is none.
func reversedUvarint(p []byte) (v uint64, n int) {
	for n < len(p) && n < 9 {
		b := p[len(p)-1-n]
		v |= uint64(b&0x7f) << (7 * n)
		n++
		if b < 0x80 {
			if b == 0 && n > 1 {
				return 0, 0
			}
			return v, n
		}
	}
	return 0, 0
}
