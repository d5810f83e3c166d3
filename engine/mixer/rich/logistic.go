package rich

import "math/bits"

// The logistic domain: a probability p of a one is held as stretch(p) = ln(p/(1-p)) in
// units of 1/256 nat, between -maxStretch and maxStretch. Both directions are tables made
// with integers only.

const (
	// stretchUnit is one nat in the logistic domain.
	stretchUnit = 256
	// maxStretch is 12 nats: a probability of 6.1e-6.
	maxStretch = 12*stretchUnit - 1

	// expStep is exp(-1/256) as a 0.64 fixed-point fraction.
	expStep = 0xff007fd55ffdde39
)

var (
	// squashTab[x+maxStretch+1] is the probability, in 1/65536, of the stretched value x,
	// clamped to [1, 65535].
	squashTab [2 * (maxStretch + 1)]uint16
	// stretchTab[p>>4] is the stretched value of p: of the middle of the sixteen.
	stretchTab [4096]int16
)

func init() {
	// e = exp(-i/256) in 2^-62.
	e := uint64(1) << 62
	var fine [2 * (maxStretch + 1)]uint32 // 1/2^20
	for i := 0; i <= maxStretch; i++ {
		den := e + 1<<62
		q, r := bits.Div64(1<<18, 0, den) // 2^20/(1+e), rounded
		if r >= den-r {
			q++
		}
		q = min(max(q, 1), 1<<20-1)
		fine[maxStretch+1+i] = uint32(q)
		fine[maxStretch+1-i] = uint32(1<<20 - q)
		e, _ = bits.Mul64(e, expStep)
	}
	fine[0] = fine[1]
	for i := maxStretch + 1; i < len(fine); i++ {
		q := uint16(min((fine[i]+8)>>4, 65535))
		squashTab[i] = q
		squashTab[len(fine)-i] = -q
	}
	squashTab[0] = squashTab[1]
	// stretchTab is the first x whose probability is not below.
	x := 0
	for p := range stretchTab {
		mid := uint32(p)<<8 + 128
		for x < len(fine)-1 && fine[x] < mid {
			x++
		}
		stretchTab[p] = int16(x - maxStretch - 1)
	}
	for p := range 2048 { // exact symmetry
		stretchTab[4095-p] = -stretchTab[p]
	}
}

// squash returns the 16-bit probability of the stretched value x.
func squash(x int32) uint32 {
	x = min(max(x, -maxStretch), maxStretch)
	return uint32(squashTab[uint32(x+maxStretch+1)%uint32(len(squashTab))])
}

// stretch returns ln(p/(1-p)) of the 16-bit probability p.
func stretch(p uint32) int32 { return int32(stretchTab[p>>4&4095]) }
