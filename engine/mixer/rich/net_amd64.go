//go:build amd64 && !noasm

package rich

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/llmz/llmz/ggml/simd"
)

//go:generate go run -C _gen . -out ../net_amd64.s -stubs ../net_stubs_amd64.go -pkg rich

// vector tells that the AVX2 code is used, and wide that the AVX-512 code is; tests change
// them.
var (
	vector = simd.Use(simd.AVX2)
	wide   = simd.Use(simd.AVX512VNNI, cpuid.AVX512BW)
)

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32, n int) {
	switch {
	case wide && vector:
		dotsAVX512(&w[0], &x[0], &out[0], &off[0], n)
	case vector:
		dotsAVX2(&w[0], &x[0], &out[0], &off[0], n)
	default:
		dotsGeneric(w, x, out, off, n)
	}
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32, n int) {
	switch {
	case wide && vector:
		trainsAVX512(&w[0], &x[0], &e[0], &off[0], n)
	case vector:
		trainsAVX2(&w[0], &x[0], &e[0], &off[0], n)
	default:
		trainsGeneric(w, x, e, off, n)
	}
}

// prefetchLines brings the cache lines at the given indices from p on into the cache.
func prefetchLines(p unsafe.Pointer, at []uint32) {
	if vector && len(at) > 0 {
		prefetchAVX2((*uint8)(p), &at[0], len(at))
	}
}

// prefetchWeights brings the first n elements of the weight vectors at off into the cache.
func prefetchWeights(w []int32, off *[numSets]uint32, n int) {
	if vector {
		prefetchVectorsAVX2(&w[0], &off[0], n)
	}
}
