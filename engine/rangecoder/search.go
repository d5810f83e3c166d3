package rangecoder

// run is the number of frequencies added up at once by the searches below, as
// four independent sums that a processor computes side by side.
const run = 16

// sum returns the sum of freqs, which must be below 2^32.
func sum(freqs []uint32) uint32 {
	var a, b, c, d uint32
	for len(freqs) >= run {
		f := (*[run]uint32)(freqs)
		a += f[0] + f[4] + f[8] + f[12]
		b += f[1] + f[5] + f[9] + f[13]
		c += f[2] + f[6] + f[10] + f[14]
		d += f[3] + f[7] + f[11] + f[15]
		freqs = freqs[run:]
	}
	for _, f := range freqs {
		a += f
	}
	return a + b + c + d
}

// find returns the symbol in whose share of the total target lies, the sum of
// the frequencies before it, and its frequency. If target is not below the sum of
// freqs it returns the last symbol. freqs must not be empty.
func find(freqs []uint32, target uint32) (sym int, cum, freq uint32) {
	for sym+run <= len(freqs) {
		f := (*[run]uint32)(freqs[sym:])
		s := (f[0] + f[4] + f[8] + f[12]) + (f[1] + f[5] + f[9] + f[13]) +
			(f[2] + f[6] + f[10] + f[14]) + (f[3] + f[7] + f[11] + f[15])
		if target-cum < s {
			break
		}
		cum += s
		sym += run
	}
	for ; sym < len(freqs)-1; sym++ {
		if target-cum < freqs[sym] {
			return sym, cum, freqs[sym]
		}
		cum += freqs[sym]
	}
	if sym >= len(freqs) { // only when the sum is not above target
		sym = len(freqs) - 1
		cum -= freqs[sym]
	}
	return sym, cum, freqs[sym]
}
