//go:build !noasm

package kernel

// The MatMulMX functions are those of MatMul for block-scaled activations.

//go:noescape
func matMulMXDot4(acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)

//go:noescape
func matMulMXDot2(acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)

//go:noescape
func matMulMXDot1(acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)

//go:noescape
func matMulMXNEON2(acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)

//go:noescape
func matMulMXNEON1(acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)

// tileMX is a MatMulMX for a fixed number of lanes.
type tileMX struct {
	lanes int
	mul   func(acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)
}

var (
	tilesMXDot  = []tileMX{{4, matMulMXDot4}, {2, matMulMXDot2}, {1, matMulMXDot1}}
	tilesMXNEON = []tileMX{{2, matMulMXNEON2}, {1, matMulMXNEON1}}
)

// transformerARM returns the loops of numerics 2: products with tiles, the rest in
// Go.
func transformerARM(tiles []tileMX) Transformer {
	t := GenericTransformer
	t.MatMulMX = func(acc []int32, w, a []int8, shifts []uint32, _ []int32, panels, lanes, stride, groups int) {
		for l := 0; l < lanes; {
			for _, t := range tiles {
				if t.lanes > lanes-l {
					continue
				}
				t.mul(&acc[l*Rows], &w[0], &a[l*Block], &shifts[l], uintptr(panels), uintptr(groups),
					uintptr(stride*Block), uintptr(stride*4), uintptr(lanes*Rows*4))
				l += t.lanes
				break
			}
		}
	}
	return t
}
