package cm

import "math/bits"

// costs[i] is what an event of probability (2i+1)/8192 costs, in 1/65536 bit, rounded
// down: computed with integers only, as it decides how a block goes on.
var costs [4096]uint32

func init() {
	for i := range costs {
		v := uint64(2*i + 1)
		n := uint32(bits.Len64(v)) - 1
		log := n << 16
		v <<= 31 - n // 1 is 2^31
		for b := uint32(1 << 15); b > 0; b >>= 1 {
			if v = v * v >> 31; v >= 1<<32 {
				v >>= 1
				log |= b
			}
		}
		costs[i] = 13<<16 - log
	}
}

// Cost returns what a decision costs, in 1/65536 bit, where a one had probability p, in
// 1/65536.
func Cost(p, bit uint32) uint32 {
	if bit == 0 {
		p = 65536 - p
	}
	return costs[p>>4&4095]
}
