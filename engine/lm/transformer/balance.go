package transformer

import (
	"math"

	"github.com/llmz/llmz/ggml/kernel"
)

// Trained transformers have a few channels tens of times larger than the rest. Where
// a channel is the output of one linear step and the input of the next, a factor can
// be moved between the two, and both keep their meaning. Balance chooses it so that
// what is left in the two is equally large: then neither the activations' blocks nor
// the rows of the weights have outliers that the others drown in. (Xiao et al. 2022,
// "SmoothQuant", does so with measured activations; here only weights are known.)
// Factors are powers of two, so that nothing is rounded.

// maxBalance bounds exponents.
const maxBalance = 24

// balance returns exponents k that make a*2^k and w*2^-k equally large, to within a
// factor of 2. The logarithms are read from the numbers' bits; where one of them is
// zero the exponent is too.
func balance(a, w []float32) []int {
	k := make([]int, len(a))
	for i := range k {
		x, y := int64(math.Float32bits(a[i])), int64(math.Float32bits(w[i]))
		if x == 0 || y == 0 {
			continue
		}
		k[i] = int(min(max((y-x+1<<23)>>24, -maxBalance), maxBalance))
	}
	return k
}

// scaled multiplies the elements of v by 2^(sign*k).
func scaled(v []float32, k []int, sign int) {
	for i := range v {
		v[i] = float32(v[i] * kernel.Pow2(sign*k[i]))
	}
}

// powers returns 2^(sign*k).
func powers(k []int, sign int) []float32 {
	f := make([]float32, len(k))
	for i := range f {
		f[i] = kernel.Pow2(sign * k[i])
	}
	return f
}

// normSize says how large the outputs of a norm are, by channel. Normalised values
// rarely exceed 4.
func normSize(gain, bias []float32) []float32 {
	a := make([]float32, len(gain))
	for i := range a {
		a[i] = max(abs(gain[i]), abs(bias[i])*0.25)
	}
	return a
}

// scaleRows multiplies the rows of a measured matrix by 2^(sign*k).
func (m *matrix) scaleRows(k []int, sign int) {
	m.factor = powers(k, sign)
	if m.bias != nil {
		m.bias = append([]float32(nil), m.bias...)
		scaled(m.bias, k, sign)
	}
}
