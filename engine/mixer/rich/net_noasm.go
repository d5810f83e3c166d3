//go:build noasm || (!amd64 && !arm64)

package rich

import "github.com/llmz/llmz/engine/mixer/cm"

var vector = false

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32, n int) {
	dotsGeneric(w, x, out, off, n)
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32, n int) {
	trainsGeneric(w, x, e, off, n)
}

// prefetch is only a hint, which portable Go cannot give.
func (t *table) prefetch(at []uint32) {}

// prefetchMap does nothing: there is no code for it.
func prefetchMap(*cm.APM, uint32) {}

// prefetchWeights does nothing: there is no code for it.
func prefetchWeights([]int32, *[numSets]uint32, int) {}
