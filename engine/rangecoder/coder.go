// Package rangecoder is a carry-safe range coder on integer frequencies.
//
// One Coder type serves both directions. Its coding methods encode their
// argument and return it when the Coder encodes; when it decodes, they ignore
// their argument and return what was decoded. So a caller's step function is the
// same code for compression and decompression.
//
// The coder holds a 64-bit low end and a 64-bit range, renormalised 16 bits at a
// time, so that the range is at least 2^48 before every decision. Frequencies may
// have any total below 2^32: rounding the range down to a multiple of the total
// wastes less than total/2^48 of it. A carry out of low is added to the bytes
// already written, which all stay in memory until the end. FORMAT.md in
// engine/archive specifies the arithmetic for other decoders.
//
// Determinism class: integers only, identical everywhere. A Coder is not safe
// for concurrent use.
package rangecoder

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Errors of Finish.
var (
	// ErrTruncated means that a decoder needed more bytes than it was given.
	ErrTruncated = errors.New("coded data ends too early")
	// ErrTrailing means that a decoder did not need all bytes it was given.
	ErrTrailing = errors.New("coded data goes on after its last symbol")
	// ErrFrequency means that a symbol of frequency zero, or outside its alphabet,
	// was coded: a fault of the model or of the caller.
	ErrFrequency = errors.New("symbol without frequency")
)

const (
	// minRange is the smallest range between decisions.
	minRange = 1 << 48
	// MaxShift is the largest shift of BitP.
	MaxShift = 32
)

// A Coder encodes or decodes a sequence of decisions. Make one with NewEncoder or
// NewDecoder.
type Coder struct {
	// low is the interval's lower end when encoding; when decoding it is the code
	// value relative to that end, always below rng in intact data.
	low uint64
	rng uint64
	// buf is the output so far, or the input.
	buf []byte
	// pos is the next input byte to read. It runs on past the end of buf, where the
	// bytes count as zeros.
	pos    int
	decode bool
	bad    bool
}

// NewEncoder returns a Coder that appends coded bytes to dst.
func NewEncoder(dst []byte) *Coder {
	c := new(Coder)
	c.ResetEncoder(dst)
	return c
}

// NewDecoder returns a Coder that decodes src.
func NewDecoder(src []byte) *Coder {
	c := new(Coder)
	c.ResetDecoder(src)
	return c
}

// ResetEncoder makes c an encoder that writes over dst's spare capacity from
// length zero.
func (c *Coder) ResetEncoder(dst []byte) {
	*c = Coder{rng: 1<<64 - 1, buf: dst[:0]}
}

// ResetDecoder makes c a decoder of src, which must not change while it is used.
func (c *Coder) ResetDecoder(src []byte) {
	*c = Coder{rng: 1<<64 - 1, buf: src, decode: true}
	for range 4 {
		c.low = c.low<<16 | c.next()
	}
}

// Decoding tells which way c goes.
func (c *Coder) Decoding() bool { return c.decode }

// Size returns the number of coded bytes so far, give or take the few that are
// still in flight.
func (c *Coder) Size() int {
	if c.decode {
		return min(c.pos, len(c.buf))
	}
	return len(c.buf)
}

// Symbol codes sym, one of len(freqs) symbols with the given frequencies, all at
// least 1, and their exact sum total.
func (c *Coder) Symbol(freqs []uint32, total uint32, sym int) int {
	if len(freqs) == 0 {
		c.bad = true
		return 0
	}
	unit := c.rng / max(uint64(total), 1)
	if c.decode {
		target := min(c.low/unit, uint64(total)-1)
		s, cum, freq := find(freqs, uint32(target))
		c.low -= unit * uint64(cum)
		c.rng = unit * uint64(freq)
		if c.rng < minRange {
			c.fill()
		}
		return s
	}
	if uint(sym) >= uint(len(freqs)) {
		c.bad = true
		return sym
	}
	low := c.low
	c.low += unit * uint64(sum(freqs[:sym]))
	if c.low < low {
		c.carry()
	}
	c.rng = unit * uint64(freqs[sym])
	if c.rng < minRange {
		c.flush()
	}
	return sym
}

// Bit codes bit, which is a one with probability p1/65536, 0 < p1 < 65536.
func (c *Coder) Bit(p1 uint32, bit int) int { return c.BitP(p1, 16, bit) }

// BitP codes bit, which is a one with probability p1/2^shift, 0 < p1 < 2^shift,
// shift <= MaxShift.
func (c *Coder) BitP(p1 uint32, shift uint, bit int) int {
	// Ones take the lower part of the range.
	ones := c.rng >> (shift & 63) * uint64(p1)
	if c.decode {
		if c.low < ones {
			bit = 1
			c.rng = ones
		} else {
			bit = 0
			c.low -= ones
			c.rng -= ones
		}
		if c.rng < minRange {
			c.fill()
		}
		return bit
	}
	if bit != 0 {
		c.rng = ones
	} else {
		low := c.low
		c.low += ones
		if c.low < low {
			c.carry()
		}
		c.rng -= ones
	}
	if c.rng < minRange {
		c.flush()
	}
	return bit
}

// carry adds one to the bytes written so far. It cannot run past the first one:
// the value of all of them stays below one.
func (c *Coder) carry() {
	for i := len(c.buf) - 1; i >= 0; i-- {
		c.buf[i]++
		if c.buf[i] != 0 {
			return
		}
	}
}

// flush writes out the top of low until the range is large enough again.
func (c *Coder) flush() {
	if c.rng == 0 {
		c.bad = true
		c.rng = minRange
	}
	for c.rng < minRange {
		c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(c.low>>48))
		c.low <<= 16
		c.rng <<= 16
	}
}

// fill reads bytes until the range is large enough again.
func (c *Coder) fill() {
	if c.rng == 0 {
		c.bad = true
		c.rng = minRange
	}
	for c.rng < minRange {
		c.low = c.low<<16 | c.next()
		c.rng <<= 16
	}
}

// next reads 16 bits, zeros after the end.
func (c *Coder) next() uint64 {
	p := c.pos
	c.pos += 2
	if p+2 <= len(c.buf) {
		return uint64(binary.BigEndian.Uint16(c.buf[p:]))
	}
	if p < len(c.buf) {
		return uint64(c.buf[p]) << 8
	}
	return 0
}

// Truncated tells whether a decoder has run past the end of its input, which
// intact data never makes it do.
func (c *Coder) Truncated() bool { return c.decode && c.pos-8 > len(c.buf) }

// Finish ends the coding. An encoder appends the fewest bytes that identify its
// interval, at most two, and returns all coded bytes. A decoder returns an error unless its
// input is as long as its encoder left it, give or take a byte.
func (c *Coder) Finish() ([]byte, error) {
	if c.bad {
		return c.buf, ErrFrequency
	}
	if c.decode {
		// All but the last 8 of the bytes read were written by renormalisation, and
		// Finish added at most two.
		if c.Truncated() {
			return nil, ErrTruncated
		}
		if c.pos-8+2 < len(c.buf) {
			return nil, ErrTrailing
		}
		return nil, nil
	}
	// Find the value in [low, low+rng) with the most trailing zero bits. As rng is
	// at least 2^48, its lower 48 bits can always be zero.
	for shift := uint(64); ; shift -= 8 {
		value, over := roundUp(c.low, shift)
		if value-c.low >= c.rng {
			continue
		}
		if over {
			c.carry()
		}
		for n := uint(64); n > shift; n -= 8 {
			c.buf = append(c.buf, byte(value>>56))
			value <<= 8
		}
		return c.buf, nil
	}
}

// roundUp returns x rounded up to a multiple of 2^shift modulo 2^64, and whether
// that wrapped around.
func roundUp(x uint64, shift uint) (uint64, bool) {
	mask := uint64(1)<<shift - 1 // all ones for a shift of 64
	v, over := bits.Add64(x, mask, 0)
	return v &^ mask, over != 0
}
