package ggml

import "math"

// Float16To32 converts an IEEE 754 binary16 value, exactly.
func Float16To32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h & 0x3ff)
	switch exp {
	case 0: // zero and subnormals: frac * 2^-24, exact in float32
		v := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// Float32To16 converts to IEEE 754 binary16, rounding to nearest, ties to even.
// Values too large become infinities; a NaN stays a (quiet) NaN.
func Float32To16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case b >= 0x38800000: // normal in binary16
		b += 0xfff + b>>13&1
		return sign | uint16((b-112<<23)>>13)
	case b < 0x33000000: // under half of the smallest subnormal
		return sign
	}
	// Subnormal: the significand counts units of 2^-24.
	shift := 126 - b>>23 // 14..24 bits to drop
	m := b&0x7fffff | 0x800000
	q := m >> shift
	rest := m & (1<<shift - 1)
	half := uint32(1) << (shift - 1)
	if rest > half || rest == half && q&1 == 1 {
		q++
	}
	return sign | uint16(q)
}

// BFloat16To32 converts a bfloat16 value, exactly.
func BFloat16To32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }
