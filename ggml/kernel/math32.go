package kernel

import "math"

// The constants of tanh32: a rational function of x*x, fitted (Lawson's
// iteration) for the least relative error on [-tanhMax, tanhMax].
const (
	tanhMax = 8
	tanhP0  = 0.999997295489
	tanhP1  = 0.121936219613
	tanhP2  = 0.00217962080022
	tanhP3  = 3.47920978639e-6
	tanhQ0  = 1
	tanhQ1  = 0.455251021991
	tanhQ2  = 0.02061829374
	tanhQ3  = 0.000131838233733
)

// The constants of exp2: a polynomial for 2^f on [-0.5, 0.5] with the least
// relative error of those that are 1 at 0.
const (
	log2e = 1.44269504088896
	// exp2Min is below every argument whose result still counts in Freqs.
	exp2Min = -40
	exp2C1  = 0.693146976375
	exp2C2  = 0.240222404556
	exp2C3  = 0.0555073504235
	exp2C4  = 0.00967161922927
	exp2C5  = 0.0013264587522
)

// Tanh32 approximates tanh with a relative error under 4e-6. The result is never
// outside [-1, 1].
func Tanh32(x float32) float32 {
	if x > tanhMax {
		x = tanhMax
	}
	if x < -tanhMax {
		x = -tanhMax
	}
	t := float32(x * x)
	p := float32(t*tanhP3) + tanhP2
	p = float32(p*t) + tanhP1
	p = float32(p*t) + tanhP0
	p = float32(p * x)
	q := float32(t*tanhQ3) + tanhQ2
	q = float32(q*t) + tanhQ1
	q = float32(q*t) + tanhQ0
	y := p / q
	if y > 1 {
		y = 1
	}
	if y < -1 {
		y = -1
	}
	return y
}

// Sigmoid32 approximates 1/(1+exp(-x)) with an absolute error under 2e-6. The
// result is never outside [0, 1].
func Sigmoid32(x float32) float32 {
	return float32(Tanh32(float32(x*0.5))*0.5) + 0.5
}

// Exp32 approximates exp(x) * 2^FreqBits for x <= 0, with a relative error under
// 3e-6, down to where that is 2^-17, and stays there below.
func Exp32(x float32) float32 {
	t := float32(x * log2e)
	if t < exp2Min {
		t = exp2Min
	}
	return exp2(t, FreqBits)
}

// exp2 approximates 2^(x+n) with a relative error under 3e-6: the nearest integer goes to
// the exponent, a polynomial is for the rest.
func exp2(x float32, n int32) float32 {
	r := roundEven(x)
	f := x - r
	p := float32(f*exp2C5) + exp2C4
	p = float32(p*f) + exp2C3
	p = float32(p*f) + exp2C2
	p = float32(p*f) + exp2C1
	p = float32(p*f) + 1
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(r)+n)<<23)
}

// roundEven rounds to the nearest integer, ties to even; |x| must be under 2^22.
// Adding 1.5*2^23 leaves no bits for a fraction, so the addition itself rounds.
func roundEven(x float32) float32 {
	const magic = 3 << 22
	return float32(x+magic) - magic
}
