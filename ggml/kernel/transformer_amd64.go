//go:build !noasm

package kernel

import "slices"

// The loops of numerics 2 for vectors of 512 and of 256 bits. Products are those of
// the instruction set; everything else differs by the width alone.

// tileMX is a MatMulMX for a fixed number of lanes.
type tileMX struct {
	lanes int
	mul   func(acc *int32, w, a *int8, shifts *uint32, sums *int32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)
}

var (
	tilesMX512  = []tileMX{{12, matMulMXVNNI512x12}, {8, matMulMXVNNI512x8}, {4, matMulMXVNNI512x4}, {2, matMulMXVNNI512x2}, {1, matMulMXVNNI512x1}}
	tilesMXVEX  = []tileMX{{6, matMulMXVNNI256VEXx6}, {4, matMulMXVNNI256VEXx4}, {2, matMulMXVNNI256VEXx2}, {1, matMulMXVNNI256VEXx1}}
	tilesMXEVEX = []tileMX{{6, matMulMXVNNI256EVEXx6}, {4, matMulMXVNNI256EVEXx4}, {2, matMulMXVNNI256EVEXx2}, {1, matMulMXVNNI256EVEXx1}}
	tilesMXAVX2 = []tileMX{{4, matMulMXAVX2x4}, {2, matMulMXAVX2x2}, {1, matMulMXAVX2x1}}
)

func tiledMX(tiles []tileMX) func(acc []int32, w, a []int8, shifts []uint32, sums []int32, panels, lanes, stride, groups int) {
	return func(acc []int32, w, a []int8, shifts []uint32, sums []int32, panels, lanes, stride, groups int) {
		for l := 0; l < lanes; {
			for _, t := range tiles {
				if t.lanes > lanes-l {
					continue
				}
				s := &noSums[0]
				if sums != nil {
					s = &sums[l]
				}
				t.mul(&acc[l*Rows], &w[0], &a[l*Block], &shifts[l], s, uintptr(panels), uintptr(groups),
					uintptr(stride*Block), uintptr(stride*4), uintptr(lanes*Rows*4))
				l += t.lanes
				break
			}
		}
	}
}

// loops are the elementwise loops of a vector width.
type loops struct {
	dequantMX, addMX func(dst *float32, acc *int32, scale, bias, base *float32, lanes, stride uintptr)
	quantizeMX       func(q *int8, shifts *uint32, x *float32, groups, top, laneBytes, shiftBytes uintptr) (base float32, sum int32)
	maxAbs           func(x *float32, n uintptr) float32
	roundInt8s       func(dst *int8, x *float32, n uintptr, f float32)
	sumSquares       func(x *float32, n uintptr, mean float32) float32
	sum              func(x *float32, n uintptr) float32
	max              func(x *float32, n uintptr) float32
	affine           func(dst, x, gain, bias *float32, n uintptr, mean, r float32)
	gelu             func(x, factor *float32, n uintptr)
	swiglu           func(x, up *float32, n uintptr)
	scores           scoresFunc
	weights          weightsFunc
}

var (
	loops256 = loops{dequantMX256, addMX256, quantizeMX256, maxAbs256, roundInt8s256, sumSquares256, sum256, max256, affine256, gelu256, swiglu256, scores256, weights256}
	loops512 = loops{dequantMX512, addMX512, quantizeMX512, maxAbs512, roundInt8s512, sumSquares512, sum512, max512, affine512, gelu512, swiglu512, scores512, weights512}
)

// transformer returns the loops around products of tiles.
func (v *loops) transformer(tiles []tileMX) Transformer {
	return Transformer{
		MatMulMX: tiledMX(tiles),
		DequantMX: func(dst []float32, acc []int32, scale, bias, base []float32, lanes, stride int) {
			v.dequantMX(&dst[0], &acc[0], &scale[0], &bias[0], &base[0], uintptr(lanes), uintptr(stride*4))
		},
		AddMX: func(dst []float32, acc []int32, scale, bias, base []float32, lanes, stride int) {
			v.addMX(&dst[0], &acc[0], &scale[0], &bias[0], &base[0], uintptr(lanes), uintptr(stride*4))
		},
		QuantizeMX: func(q []int8, shifts []uint32, x []float32, stride, groups, top int) (float32, int32) {
			return v.quantizeMX(&q[0], &shifts[0], &x[0], uintptr(groups), uintptr(top), uintptr(stride*Block), uintptr(stride*4))
		},
		MaxAbs:     func(x []float32) float32 { return v.maxAbs(&x[0], uintptr(len(x))) },
		RoundInt8s: func(dst []int8, x []float32, f float32) { v.roundInt8s(&dst[0], &x[0], uintptr(len(dst)), f) },
		SumSquares: func(x []float32, mean float32) float32 {
			if len(x)%partials != 0 {
				return sumSquaresGeneric(x, mean)
			}
			return v.sumSquares(&x[0], uintptr(len(x)), mean)
		},
		Sum: func(x []float32) float32 {
			if len(x)%partials != 0 {
				return sumGeneric(x)
			}
			return v.sum(&x[0], uintptr(len(x)))
		},
		Max: func(x []float32) float32 { return greatest(v.max, x) },
		Affine: func(dst, x, gain, bias []float32, mean, r float32) {
			v.affine(&dst[0], &x[0], &gain[0], &bias[0], uintptr(len(dst)), mean, r)
		},
		GELU:   func(x, factor []float32) { v.gelu(&x[0], &factor[0], uintptr(len(x))) },
		SwiGLU: func(x, up []float32) { v.swiglu(&x[0], &up[0], uintptr(len(x))) },
		Scores: func(s []float32, acc []int32, keys []float32, scale float32, n, stride int) float32 {
			return scores(v.scores, s, acc, keys, scale, n, stride)
		},
		Weights: func(q []int8, s, values []float32, top, full, norm float32, n, stride int) int32 {
			return weights(v.weights, q, s, values, top, full, norm, n, stride)
		},
	}
}

// greatest does multiples of 16 elements with f, the rest in Go.
func greatest(f func(x *float32, n uintptr) float32, x []float32) float32 {
	n := len(x) &^ 15
	if n == 0 {
		return slices.Max(x)
	}
	m := f(&x[0], uintptr(n))
	for _, v := range x[n:] {
		m = max(m, v)
	}
	return m
}

type scoresFunc func(s *float32, acc *int32, keys *float32, scale float32, panels, accBytes uintptr) float32

// scores does whole panels with f, the rest in Go.
func scores(f scoresFunc, s []float32, acc []int32, keys []float32, scale float32, n, stride int) float32 {
	p := n / Rows
	if p == 0 {
		return scoresGeneric(s, acc, keys, scale, n, stride)
	}
	top := f(&s[0], &acc[0], &keys[0], scale, uintptr(p), uintptr(stride*4))
	if whole := p * Rows; whole < n {
		top = max(top, scoresGeneric(s[whole:], acc[p*stride:], keys[whole:], scale, n-whole, stride))
	}
	return top
}

type weightsFunc func(q *int8, s, values *float32, top, full, norm float32, blocks, laneBytes uintptr) int32

// weights does whole blocks with f, the rest in Go.
func weights(f weightsFunc, q []int8, s, values []float32, top, full, norm float32, n, stride int) int32 {
	b := n / Block
	var sum int32
	if b > 0 {
		sum = f(&q[0], &s[0], &values[0], top, full, norm, uintptr(b), uintptr(stride))
	}
	if whole := b * Block; whole < n {
		sum += weightsGeneric(q[b*stride:], s[whole:], values[whole:], top, full, norm, n-whole, stride)
	}
	return sum
}
