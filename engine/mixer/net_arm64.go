//go:build arm64 && !noasm

package mixer

func dots(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32) {
	dotsNEON(&w[0], &x[0], &out[0], &off[0])
}

func trains(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32) {
	trainsNEON(&w[0], &x[0], &e[0], &off[0])
}

// prefetch brings the buckets at the given indices into the cache.
func (t *table) prefetch(at *[numCtx]uint32) {
	prefetchARM(&t.buckets[0][0][0], &at[0])
}

// dotsNEON computes out[k] = sum over i of (w[off[k]+i]>>8)*x[i] with int32
// wrap-around, for the numSets weight vectors at off and the numInputs inputs x.
//
//go:noescape
func dotsNEON(w, x, out *int32, off *uint32)

// trainsNEON adds (x[i]*e[k] + 512) >> 10 to w[off[k]+i], clamped to ±weightMax, for
// the numSets weight vectors at off.
//
//go:noescape
func trainsNEON(w, x, e *int32, off *uint32)

// prefetchARM brings the numCtx 64-byte buckets at[i] into the first-level cache.
//
//go:noescape
func prefetchARM(buckets *uint8, at *uint32)
