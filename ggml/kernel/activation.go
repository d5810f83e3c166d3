package kernel

// Arguments of functions beyond these change nothing any more.
const (
	geluMax = 8
	siluMax = 40
	// geluA and geluB make 2*sqrt(2/pi)*(x + 0.044715*x^3)*log2(e) of x*(geluB*x^2 + geluA).
	geluA = 2.302208198
	geluB = 0.1029432396
)

// Exp2 approximates 2^x for x in [-126, 126] with a relative error under 3e-6.
func Exp2(x float32) float32 { return exp2(x, 0) }

// sigmoid2 returns 1/(1 + 2^-x) for x in [-126, 126].
func sigmoid2(x float32) float32 { return Recip32(1 + Exp2(-x)) }

func geluGeneric(x, factor []float32) {
	factor = factor[:len(x)]
	for i, v := range x {
		c := min(max(v, -geluMax), geluMax)
		t := float32(c * c)
		t = float32(t*geluB) + geluA
		t = float32(t * c)
		x[i] = float32(float32(max(v, -geluMax)*sigmoid2(t)) * factor[i])
	}
}

func swigluGeneric(x, up []float32) {
	up = up[:len(x)]
	for i, v := range x {
		c := min(max(v, -siluMax), siluMax)
		s := sigmoid2(float32(c * log2e))
		x[i] = float32(float32(max(v, -siluMax)*s) * up[i])
	}
}
