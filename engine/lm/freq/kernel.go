package freq

import (
	"slices"

	"github.com/llmz/llmz/ggml/simd"
)

// loops are written for one set of vector instructions. They take n elements, a
// positive multiple of width.
type loops struct {
	name    string
	level   simd.Level
	width   int
	maximum func(logits *float32, n int) float32
	exps    func(f *uint32, logits *float32, n int, m float32) uint64
	finish  func(f *uint32, n int, shift uint64) uint64
}

// plain has no loops of its own: everything is done in Go.
var plain = loops{name: "generic"}

// kernels are those this CPU can run, the fastest first, plain last.
var kernels = append(native(), plain)

// current is the kernel in use, the best that simd allows; only tests change it.
var current = kernels[slices.IndexFunc(kernels, func(l loops) bool { return l.level.Allowed() })]

// whole returns how many of n elements the kernel takes; the rest is left to Go.
func (k *loops) whole(n int) int {
	if k.width == 0 {
		return 0
	}
	return n - n%k.width
}

func maximum(logits []float32) float32 {
	n := current.whole(len(logits))
	m := maximumGeneric(logits[n:])
	if n > 0 {
		m = max(m, current.maximum(&logits[0], n))
	}
	return m
}

func exps(f []uint32, logits []float32, m float32) (sum uint64) {
	n := current.whole(len(logits))
	if n > 0 {
		sum = current.exps(&f[0], &logits[0], n, m)
	}
	return sum + expsGeneric(f[n:], logits[n:], m)
}

func finish(f []uint32, shift uint) (total uint64) {
	n := current.whole(len(f))
	if n > 0 {
		total = current.finish(&f[0], n, uint64(shift))
	}
	return total + finishGeneric(f[n:], shift)
}
