package kernel

import "math"

// partials is the number of partial sums of the fixed tree.
const partials = 64

// tree adds partial sums: half of them to the other half, and so on.
func tree(p *[partials]float32) float32 {
	for w := partials / 2; w > 0; w /= 2 {
		for j := range w {
			p[j] += p[j+w]
		}
	}
	return p[0]
}

func sumGeneric(x []float32) float32 {
	var p [partials]float32
	for i, v := range x {
		p[i%partials] += v
	}
	return tree(&p)
}

func sumSquaresGeneric(x []float32, mean float32) float32 {
	var p [partials]float32
	for i, v := range x {
		d := v - mean
		p[i%partials] += float32(d * d)
	}
	return tree(&p)
}

func affineGeneric(dst, x, gain, bias []float32, mean, r float32) {
	x, gain, bias = x[:len(dst)], gain[:len(dst)], bias[:len(dst)]
	for i := range dst {
		dst[i] = float32(float32((x[i]-mean)*r)*gain[i]) + bias[i]
	}
}

// Rsqrt32 approximates 1/sqrt(a) for normal a > 0 with a relative error under
// 3e-7: a first guess from the bits, and four of Newton's steps. Neither division
// nor square root, whose rounding is not promised everywhere.
func Rsqrt32(a float32) float32 {
	h := float32(a * 0.5)
	y := math.Float32frombits(0x5f375a86 - math.Float32bits(a)>>1)
	for range 4 {
		y = float32(y * (1.5 - float32(float32(h*y)*y)))
	}
	return y
}

// Recip32 approximates 1/d for d in [2^-100, 2^100] with a relative error under
// 3e-7, in the same way.
func Recip32(d float32) float32 {
	y := math.Float32frombits(0x7ef311c3 - math.Float32bits(d))
	for range 3 {
		y = float32(y * (2 - float32(d*y)))
	}
	return y
}
