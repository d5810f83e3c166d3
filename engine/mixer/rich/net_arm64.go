//go:build arm64 && !noasm

package rich

import (
	"unsafe"

	"github.com/llmz/llmz/ggml/simd"
)

// vector tells that the NEON code is used; tests change it.
var vector = simd.Use(simd.NEON)

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32, n int) {
	if vector {
		dotsNEON(&w[0], &x[0], &out[0], &off[0], n)
	} else {
		dotsGeneric(w, x, out, off, n)
	}
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32, n int) {
	if vector {
		trainsNEON(&w[0], &x[0], &e[0], &off[0], n)
	} else {
		trainsGeneric(w, x, e, off, n)
	}
}

// prefetchLines brings the cache lines at the given indices from p on into the cache.
func prefetchLines(p unsafe.Pointer, at []uint32) {
	if vector && len(at) > 0 {
		prefetchARM((*uint8)(p), &at[0], len(at))
	}
}

// prefetchWeights brings the first n elements of the weight vectors at off into the cache.
func prefetchWeights(w []int32, off *[numSets]uint32, n int) {
	if vector {
		prefetchVectorsARM(&w[0], &off[0], n)
	}
}

// dotsNEON computes out[k] = sum over i < n of (w[off[k]+i]>>16)*(x[i]>>16) with int32
// wrap-around, for the numSets weight vectors at off and the inputs x; n is a multiple of
// 16, at least 16.
//
//go:noescape
func dotsNEON(w, x, out *int32, off *uint32, n int)

// trainsNEON adds ((x[i]>>16)*e[k] + 2) >> 2 to w[off[k]+i] for i < n, clamped to ±weightMax, for
// the numSets weight vectors at off; n as above.
//
//go:noescape
func trainsNEON(w, x, e *int32, off *uint32, n int)

// prefetchARM brings the n 64-byte buckets at[i] into the first-level cache; n is at
// least 1.
//
//go:noescape
func prefetchARM(buckets *uint8, at *uint32, n int)

// prefetchVectorsARM brings the first n elements of the numSets weight vectors at off into the
// first-level cache; n is a multiple of 16, at least 16.
//
//go:noescape
func prefetchVectorsARM(w *int32, off *uint32, n int)
