package mixer

import "math/bits"

// The logistic domain: a probability p of a one is held as stretch(p) =
// ln(p/(1-p)) in units of 1/256 nat, between -maxStretch and maxStretch. Both
// directions are tables computed with integers only, so that they are the same
// on every machine.

const (
	// stretchUnit is one nat in the logistic domain.
	stretchUnit = 256
	// maxStretch is 12 nats: a probability of 6.1e-6.
	maxStretch = 12*stretchUnit - 1

	// expStep is exp(-1/256) as a 0.64 fixed-point fraction.
	expStep = 0xff007fd55ffdde39
)

var (
	// squashTab[x+maxStretch+1] is the probability, in 1/65536, of the stretched
	// value x, clamped to [1, 65535].
	squashTab [2 * (maxStretch + 1)]uint16
	// stretchTab is the inverse for 16-bit probabilities.
	stretchTab [65536]int16
)

func init() {
	// e = exp(-i/256) in 2^-62.
	e := uint64(1) << 62
	for i := 0; i <= maxStretch; i++ {
		// 65536/(1+e), rounded.
		den := e + 1<<62
		q, r := bits.Div64(1<<14, 0, den) // (2^16 * 2^62) / den
		if r >= den-r {
			q++
		}
		q = min(max(q, 1), 65535)
		squashTab[maxStretch+1+i] = uint16(q)
		squashTab[maxStretch+1-i] = uint16(65536 - q)
		e, _ = bits.Mul64(e, expStep)
	}
	squashTab[0] = squashTab[1]
	// stretchTab[p] is the middle of the x whose squash is nearest to p.
	lo := 0
	for p := 1; p < 65536; p++ {
		for lo < len(squashTab)-1 && int(squashTab[lo]) < p {
			lo++
		}
		hi := lo
		for hi < len(squashTab)-1 && int(squashTab[hi+1]) == int(squashTab[lo]) {
			hi++
		}
		x := (lo + hi) / 2
		if int(squashTab[lo]) > p && lo > 0 && p-int(squashTab[lo-1]) < int(squashTab[lo])-p {
			x = lo - 1
		}
		stretchTab[p] = int16(x - maxStretch - 1)
	}
	stretchTab[0] = stretchTab[1]
	for p := 1; p < 32768; p++ { // exact symmetry
		stretchTab[65536-p] = -stretchTab[p]
	}
	stretchTab[32768] = 0
}

// squash returns the 16-bit probability of the stretched value x.
func squash(x int32) uint32 {
	if x > maxStretch {
		x = maxStretch
	} else if x < -maxStretch {
		x = -maxStretch
	}
	return uint32(squashTab[uint32(x+maxStretch+1)%uint32(len(squashTab))])
}

// stretch returns ln(p/(1-p)) of the 16-bit probability p.
func stretch(p uint32) int32 { return int32(stretchTab[p&0xffff]) }
