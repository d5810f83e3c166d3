//go:build amd64 && !noasm

package freq

import "github.com/klauspost/cpuid/v2"

var useAVX2 = cpuid.CPU.Supports(cpuid.AVX2)

// width is the number of logits the assembly takes at a time.
const width = 8

//go:noescape
func maximumAVX2(logits *float32, n int) float32

//go:noescape
func expsAVX2(f *uint32, logits *float32, n int, m float32) uint64

//go:noescape
func finishAVX2(f *uint32, n int, shift uint64) uint64

func maximum(logits []float32) float32 {
	n := len(logits) &^ (width - 1)
	if !useAVX2 || n == 0 {
		return maximumGeneric(logits)
	}
	return max(maximumAVX2(&logits[0], n), maximumGeneric(logits[n:]))
}

func exps(f []uint32, logits []float32, m float32) uint64 {
	n := len(logits) &^ (width - 1)
	if !useAVX2 || n == 0 {
		return expsGeneric(f, logits, m)
	}
	return expsAVX2(&f[0], &logits[0], n, m) + expsGeneric(f[n:], logits[n:], m)
}

func finish(f []uint32, shift uint) uint64 {
	n := len(f) &^ (width - 1)
	if !useAVX2 || n == 0 {
		return finishGeneric(f, shift)
	}
	return finishAVX2(&f[0], n, uint64(shift)) + finishGeneric(f[n:], shift)
}
