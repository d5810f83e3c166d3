package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTransformerKernelsMatchPlainGo(t *testing.T) {
	for _, n := range []int{8, 24, 384} {
		for _, scale := range []float64{0.3, 3, 30} {
			for _, centre := range []bool{false, true} {
				both(t, "norm", 1e-5, func(r *rand.Rand) [][]float32 {
					out, x := make([]float32, n), noise(r, n, scale)
					mean, inverse := Norm(out, x, noise(r, n, 1), noise(r, n, 1), 1e-5, centre)
					dx, dw := noise(r, n, 1), noise(r, n, 1)
					NormBackward(dx, dw, noise(r, n, 1), x, noise(r, n, 1), mean, inverse, centre)
					return [][]float32{out, dx, dw, {mean, inverse}}
				})
			}
			both(t, "swiglu", 1e-5, func(r *rand.Rand) [][]float32 {
				g, u, out := noise(r, n, scale), noise(r, n, 1), make([]float32, n)
				SwiGLU(out, g, u)
				SwiGLUBackward(g, u, noise(r, n, 1))
				return [][]float32{out, g, u}
			})
			both(t, "gelu", 1e-5, func(r *rand.Rand) [][]float32 {
				x, out := noise(r, n, min(scale, 3)), make([]float32, n)
				GELU(out, x)
				GELUBackward(x, noise(r, n, 1))
				return [][]float32{out, x}
			})
			both(t, "exp and its like", 1e-5, func(r *rand.Rand) [][]float32 {
				x := noise(r, n+5, scale)
				most, total := Max(x), Sum(x)
				sum := Exp(x, most)
				Scale(x, 1/sum)
				dp := noise(r, n+5, 1)
				d := Dot(x, dp)
				SoftmaxBackward(x, dp, d, 0.3)
				return [][]float32{x, dp, {most, total, sum, d, Dot3(x, dp, noise(r, n+5, 1))}}
			})
		}
		both(t, "rotate", 1e-6, func(r *rand.Rand) [][]float32 {
			x := noise(r, n, 1)
			Rotate(x, noise(r, n, 1), noise(r, n, 1))
			return [][]float32{x}
		})
	}
}

// gradients compares dx, the gradient of the sum of weights times f(x), with finite
// differences.
func gradients(t *testing.T, name string, x, weights, dx []float32, f func(x []float32) []float32) {
	t.Helper()
	loss := func(i int, d float32) float64 {
		y := append([]float32(nil), x...)
		y[i] += d
		sum := 0.0
		for j, v := range f(y) {
			sum += float64(weights[j]) * float64(v)
		}
		return sum
	}
	const eps = 1e-2
	for i := range x {
		want := (loss(i, eps) - loss(i, -eps)) / (2 * eps)
		if math.Abs(want-float64(dx[i])) > 2e-3+2e-3*math.Abs(want) {
			t.Errorf("%s: gradient of element %d is %v, want %v", name, i, dx[i], want)
		}
	}
}

func TestTransformerGradients(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const n = 16
	x, d := noise(r, n, 1.5), noise(r, n, 1)
	w, b := noise(r, n, 1), noise(r, n, 1)
	for _, centre := range []bool{false, true} {
		out := make([]float32, n)
		mean, inverse := Norm(out, x, w, b, 1e-5, centre)
		dx, dw := make([]float32, n), make([]float32, n)
		NormBackward(dx, dw, d, x, w, mean, inverse, centre)
		gradients(t, "norm", x, d, dx, func(x []float32) []float32 {
			out := make([]float32, n)
			Norm(out, x, w, b, 1e-5, centre)
			return out
		})
		gradients(t, "norm's weight", w, d, dw, func(w []float32) []float32 {
			out := make([]float32, n)
			Norm(out, x, w, b, 1e-5, centre)
			return out
		})
	}
	g, u := append([]float32(nil), x...), append([]float32(nil), w...)
	SwiGLUBackward(g, u, d)
	swiglu := func(g, u []float32) []float32 {
		out := make([]float32, n)
		SwiGLU(out, g, u)
		return out
	}
	gradients(t, "gate", x, d, g, func(g []float32) []float32 { return swiglu(g, w) })
	gradients(t, "up", w, d, u, func(u []float32) []float32 { return swiglu(x, u) })
	dx := append([]float32(nil), x...)
	GELUBackward(dx, d)
	gradients(t, "gelu", x, d, dx, func(x []float32) []float32 {
		out := make([]float32, n)
		GELU(out, x)
		return out
	})
	softmax := func(x []float32) []float32 {
		y := append([]float32(nil), x...)
		Scale(y, 0.5)
		Scale(y, 1/Exp(y, 0))
		return y
	}
	p, ds := softmax(x), append([]float32(nil), d...)
	SoftmaxBackward(p, ds, Dot(p, d), 0.5)
	gradients(t, "softmax", x, d, ds, softmax)
}

// TestRotateTurnsBack: a turn keeps the length of each pair, and turning back restores
// it.
func TestRotateTurnsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const n = 24
	x := noise(r, n, 1)
	c, s, back := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := 0; i < n; i += 2 {
		sin, cos := math.Sincos(float64(i))
		c[i], c[i+1] = float32(cos), float32(cos)
		s[i], s[i+1] = -float32(sin), float32(sin)
		back[i], back[i+1] = -s[i], -s[i+1]
	}
	y := append([]float32(nil), x...)
	Rotate(y, c, s)
	if math.Abs(float64(y[2]-(x[2]*c[2]+x[3]*s[2]))) > 1e-6 || math.Abs(float64(y[3]-(x[2]*s[3]+x[3]*c[3]))) > 1e-6 {
		t.Errorf("(%v, %v) became (%v, %v)", x[2], x[3], y[2], y[3])
	}
	Rotate(y, c, back)
	for i := range x {
		if math.Abs(float64(y[i]-x[i])) > 1e-5 {
			t.Errorf("element %d came back as %v, not %v", i, y[i], x[i])
		}
	}
}
