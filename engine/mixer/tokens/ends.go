package tokens

// Ends is where in a block tokens end.
type Ends []uint64

// NewEnds makes one for a block of n bytes.
func NewEnds(n int) Ends { return make(Ends, n/64+1) }

// Mark notes that a token ends before the byte at position p.
func (e Ends) Mark(p int) {
	if p/64 < len(e) {
		e[p/64] |= 1 << (p % 64)
	}
}

// At returns 1 if a token ended before the byte at position p.
func (e Ends) At(p uint32) uint32 {
	if i := int(p / 64); i < len(e) {
		return uint32(e[i]>>(p%64)) & 1
	}
	return 0
}

// A BitCoder codes one binary decision.
type BitCoder interface {
	Bit(p1 uint32, bit int) int
}

// CodeLengths codes the numbers of bytes of a block's lanes, which are at most size together,
// but for the last one's, which is the rest. lengths are nil when decoding.
func CodeLengths(c BitCoder, lengths []int, lanes, size int) []int {
	out := make([]int, lanes)
	for i := range lanes - 1 {
		var n int
		if lengths != nil {
			n = lengths[i]
		}
		out[i] = min(codeUint(c, n), size)
		size -= out[i]
	}
	out[lanes-1] = size
	return out
}

// codeUint codes a number below 2^31 in 31 bits.
func codeUint(c BitCoder, n int) int {
	v := 0
	for i := 30; i >= 0; i-- {
		v = v<<1 | c.Bit(32768, n>>i&1)
	}
	return v
}
