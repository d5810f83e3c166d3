//go:build amd64 && !noasm

package mixer

import "github.com/klauspost/cpuid/v2"

//go:generate go run -C _gen . -out ../net_amd64.s -stubs ../net_stubs_amd64.go -pkg mixer

var useAVX2 = cpuid.CPU.Supports(cpuid.AVX2)

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32) {
	if useAVX2 {
		dotsAVX2(&w[0], &x[0], &out[0], &off[0])
	} else {
		dotsGeneric(w, x, out, off)
	}
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32) {
	if useAVX2 {
		trainsAVX2(&w[0], &x[0], &e[0], &off[0])
	} else {
		trainsGeneric(w, x, e, off)
	}
}

// prefetch brings the buckets at the given indices into the cache.
func (t *table) prefetch(at *[numCtx]uint32) {
	prefetchAVX2(&t.buckets[0][0][0], &at[0])
}
