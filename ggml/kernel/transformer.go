package kernel

import "slices"

// Transformer holds the inner loops of numerics 2: products of block-scaled int8
// activations, and what a transformer does between them. See ../NUMERICS.md.
//
// Block-scaled activations ("MX", after the Open Compute Project's microscaling
// formats) are int8 in groups of Group columns. Element c of a lane stands for
//
//	a[c] * 2^shift[c/Group] * base
//
// where base is a power of two of the lane. Values are laid out as activations
// are, shifts [group][stride].
type Transformer struct {
	// MatMulMX computes, modulo 2^32,
	//
	//	acc[(p*lanes+l)*Rows + r] = sum over groups g of 2^shifts(g, l) *
	//		sum over c in g of w(p, r, c) * a(c, l)
	//
	// with the arguments of MatMul; sums is what QuantizeMX has computed.
	MatMulMX func(acc []int32, w, a []int8, shifts []uint32, sums []int32, panels, lanes, stride, groups int)

	// DequantMX computes, for the Rows rows of a panel,
	//
	//	dst[l*stride+r] = clamp((float32(acc[l*Rows+r]) * scale[r]) * base[l] + bias[r])
	//
	// and AddMX dst = clamp(dst + that), where clamp is to [-Limit, Limit].
	DequantMX func(dst []float32, acc []int32, scale, bias, base []float32, lanes, stride int)
	AddMX     func(dst []float32, acc []int32, scale, bias, base []float32, lanes, stride int)

	// QuantizeMX makes block-scaled activations of the groups*Group elements of x for
	// one lane, whose first elements are q[0] and shifts[0], and returns the lane's
	// base, and the sum of q times 2^shift. No shift is greater than top.
	QuantizeMX func(q []int8, shifts []uint32, x []float32, stride, groups, top int) (base float32, sum int32)

	// MaxAbs returns the greatest magnitude of x, and RoundInt8s computes dst[i] =
	// RoundInt8(x[i]*f). Their lengths are a multiple of Block.
	MaxAbs     func(x []float32) float32
	RoundInt8s func(dst []int8, x []float32, f float32)

	// SumSquares returns the sum of (x[i]-mean)^2 and Sum that of x[i], both over a
	// multiple of Rows elements, by the fixed tree: element i is added to partial sum
	// i%64, then partial sum j+w to j for w = 32, 16, ... 1.
	SumSquares func(x []float32, mean float32) float32
	Sum        func(x []float32) float32

	// Max returns the greatest of the elements of x.
	Max func(x []float32) float32

	// Affine computes dst[i] = ((x[i]-mean)*r)*gain[i] + bias[i].
	Affine func(dst, x, gain, bias []float32, mean, r float32)

	// GELU computes x[i] = gelu(x[i])*factor[i], and SwiGLU x[i] = silu(x[i])*up[i].
	GELU   func(x, factor []float32)
	SwiGLU func(x, up []float32)

	// Scores computes s[t] = (float32(acc[t*stride]) * keys[t]) * scale for n positions
	// whose products stand in panels of Rows, acc pointing at the first: position t is
	// acc[t/Rows*stride + t%Rows]. It returns the greatest.
	Scores func(s []float32, acc []int32, keys []float32, scale float32, n, stride int) float32

	// Weights computes the attention weights of n positions from base-2 scores s,
	// the greatest being top:
	//
	//	p = exp2(s[t]-top)
	//	w = roundeven(p * full * values[t])      hi = w >> 7, lo = w & 127
	//
	// and returns the sum of roundeven(p * norm). hi goes to q[t/Block*stride +
	// t%Block], lo to the place Block further; the rest of the last block becomes 0.
	Weights func(q []int8, s, values []float32, top, full, norm float32, n, stride int) int32
}

// Limit bounds the results of products, and of the sums of a residual stream, so
// that nothing that follows can overflow.
const Limit = 1 << 40

// GenericTransformer defines the results of all others.
var GenericTransformer = Transformer{
	MatMulMX:   matMulMXGeneric,
	DequantMX:  dequantMXGeneric,
	AddMX:      addMXGeneric,
	QuantizeMX: quantizeMXGeneric,
	MaxAbs:     maxAbs,
	RoundInt8s: roundInt8sGeneric,
	SumSquares: sumSquaresGeneric,
	Sum:        sumGeneric,
	Max:        slices.Max[[]float32],
	Affine:     affineGeneric,
	GELU:       geluGeneric,
	SwiGLU:     swigluGeneric,
	Scores:     scoresGeneric,
	Weights:    weightsGeneric,
}
