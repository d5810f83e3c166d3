//go:build amd64 && !noasm

package rich

import "github.com/llmz/llmz/ggml/simd"

//go:generate go run -C _gen . -out ../net_amd64.s -stubs ../net_stubs_amd64.go -pkg rich

// vector tells that the AVX2 code is used; tests change it.
var vector = simd.Use(simd.AVX2)

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32) {
	if vector {
		dotsAVX2(&w[0], &x[0], &out[0], &off[0])
	} else {
		dotsGeneric(w, x, out, off)
	}
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32) {
	if vector {
		trainsAVX2(&w[0], &x[0], &e[0], &off[0])
	} else {
		trainsGeneric(w, x, e, off)
	}
}

// prefetch brings the buckets at the given indices into the cache.
func (t *table) prefetch(at []uint32) {
	if vector && len(at) > 0 {
		prefetchAVX2(&t.buckets[0].slot[0][0], &at[0], len(at))
	}
}
