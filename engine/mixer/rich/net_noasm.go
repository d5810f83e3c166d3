//go:build noasm || (!amd64 && !arm64)

package rich

import "unsafe"

var vector = false

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32, n int) {
	dotsGeneric(w, x, out, off, n)
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32, n int) {
	trainsGeneric(w, x, e, off, n)
}

// Prefetching is only a hint, which portable Go cannot give.
func prefetchLines(unsafe.Pointer, []uint32)         {}
func prefetchWeights([]int32, *[numSets]uint32, int) {}
