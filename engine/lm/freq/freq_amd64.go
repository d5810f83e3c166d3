//go:build amd64 && !noasm

package freq

import "github.com/klauspost/cpuid/v2"

// simd is a set of vector instructions that the assembly is written for.
type simd int

const (
	none simd = iota
	avx2
	avx512
)

// best is the widest set this CPU is fast with: the first ones with AVX-512 slowed
// everything down for milliseconds after using it, those with VBMI2 do not.
var best = func() simd {
	switch cpu := cpuid.CPU; {
	case cpu.Supports(cpuid.AVX512F, cpuid.AVX512VBMI2):
		return avx512
	case cpu.Supports(cpuid.AVX2):
		return avx2
	}
	return none
}()

func (s simd) String() string { return [...]string{"go", "avx2", "avx512"}[s] }

// whole returns how many of n elements the assembly takes; the rest is left to Go.
func (s simd) whole(n int) int {
	switch s {
	case avx512:
		return n &^ 31
	case avx2:
		return n &^ 7
	}
	return 0
}

//go:noescape
func maximumAVX2(logits *float32, n int) float32

//go:noescape
func expsAVX2(f *uint32, logits *float32, n int, m float32) uint64

//go:noescape
func finishAVX2(f *uint32, n int, shift uint64) uint64

//go:noescape
func maximumAVX512(logits *float32, n int) float32

//go:noescape
func expsAVX512(f *uint32, logits *float32, n int, m float32) uint64

//go:noescape
func finishAVX512(f *uint32, n int, shift uint64) uint64

func maximum(logits []float32) float32 {
	n := best.whole(len(logits))
	rest := maximumGeneric(logits[n:])
	switch {
	case n == 0:
		return rest
	case best == avx512:
		return max(maximumAVX512(&logits[0], n), rest)
	}
	return max(maximumAVX2(&logits[0], n), rest)
}

func exps(f []uint32, logits []float32, m float32) uint64 {
	n := best.whole(len(logits))
	var sum uint64
	switch {
	case n == 0:
	case best == avx512:
		sum = expsAVX512(&f[0], &logits[0], n, m)
	default:
		sum = expsAVX2(&f[0], &logits[0], n, m)
	}
	return sum + expsGeneric(f[n:], logits[n:], m)
}

func finish(f []uint32, shift uint) uint64 {
	n := best.whole(len(f))
	var total uint64
	switch {
	case n == 0:
	case best == avx512:
		total = finishAVX512(&f[0], n, uint64(shift))
	default:
		total = finishAVX2(&f[0], n, uint64(shift))
	}
	return total + finishGeneric(f[n:], shift)
}
