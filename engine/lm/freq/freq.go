// Package freq turns the logits of a large vocabulary into integer frequencies
// for the range coder.
//
//	q[i] = floor(exp(l[i] - max) * 2^31)      with ggml's exp, float32
//	s    = the least shift with (sum q >> s) + n < 2^32
//	f[i] = 1 + (q[i] >> s)
//
// The total lies between 2^31 and 2^32, so that rounding costs less than
// n/2^31 of the code length, and no token costs more than 32 bits.
//
// Determinism class: the same on every machine for the same logits.
package freq

import (
	"math"
	"unsafe"

	"github.com/llmz/llmz/ggml/kernel"
)

const (
	// qBits is the number of fraction bits of q.
	qBits = 31
	scale = 1 << (qBits - kernel.FreqBits)
	// low is under the least exponent whose q is not zero.
	low = -27
)

// MaxTokens is the largest vocabulary whose total is sure to fit in 32 bits.
const MaxTokens = 1 << 24

// FromLogits returns the frequencies of 1 to MaxTokens logits and their sum. Logits
// that are not numbers count as minus infinity.
//
// The frequencies take the place of the logits, which are lost: with a large
// vocabulary and many lanes, memory of their own would be megabytes that every step
// draws through the caches.
func FromLogits(logits []float32) (f []uint32, total uint32) {
	f = unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(logits))), len(logits))
	m := maximum(logits)
	sum := exps(f, logits, m)
	n := uint64(len(f))
	shift := uint(0)
	for sum>>shift+n >= 1<<32 {
		shift++
	}
	return f, uint32(finish(f, shift))
}

func maximumGeneric(logits []float32) float32 {
	m := float32(math.Inf(-1))
	for _, x := range logits {
		if x > m {
			m = x
		}
	}
	return m
}

// expsGeneric sets f to q, see the package comment, and returns its sum. f and logits
// may be the same memory.
func expsGeneric(f []uint32, logits []float32, m float32) (sum uint64) {
	for i, x := range logits {
		d := x - m
		var q uint32
		if d > low {
			q = uint32(uint64(float32(kernel.Exp32(d) * scale)))
		}
		f[i] = q
		sum += uint64(q)
	}
	return sum
}

// finishGeneric turns q into frequencies and returns their sum.
func finishGeneric(f []uint32, shift uint) (total uint64) {
	for i, q := range f {
		v := 1 + q>>shift
		f[i] = v
		total += uint64(v)
	}
	return total
}
