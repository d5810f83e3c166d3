package vec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/ggml/simd"
)

func noise(r *rand.Rand, n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() * scale)
	}
	return x
}

// both runs f with and without the vector kernels on equal inputs and compares
// what it returns.
func both(t *testing.T, name string, tolerance float64, f func(r *rand.Rand) [][]float32) {
	t.Helper()
	if !vectors {
		t.Skip("no vector kernels in this build for this machine")
	}
	defer func(f bool) { fast = f }(fast)
	fast = true
	got := f(rand.New(rand.NewPCG(5, 6)))
	fast = false
	want := f(rand.New(rand.NewPCG(5, 6)))
	for i := range want {
		for j := range want[i] {
			d := math.Abs(float64(got[i][j] - want[i][j]))
			if !(d <= tolerance*(1+math.Abs(float64(want[i][j])))) {
				t.Fatalf("%s: output %d[%d] = %v, want %v", name, i, j, got[i][j], want[i][j])
			}
		}
	}
}

func TestKernelsMatchPlainGo(t *testing.T) {
	for _, n := range []int{8, 24, 288} {
		for _, scale := range []float64{0.3, 3, 60} {
			both(t, "gru forward", 2e-6, func(r *rand.Rand) [][]float32 {
				out, saved := make([]float32, n), make([]float32, 4*n)
				GRUForward(noise(r, 3*n, scale), noise(r, 3*n, scale), noise(r, 3*n, 1), noise(r, 3*n, 1), noise(r, n, 1), out, saved)
				return [][]float32{out, saved}
			})
			both(t, "gru backward", 2e-6, func(r *rand.Rand) [][]float32 {
				dh, di, dg := noise(r, n, scale), make([]float32, 3*n), make([]float32, 3*n)
				GRUBackward(dh, noise(r, 4*n, 1), noise(r, n, 1), di, dg)
				return [][]float32{dh, di, dg}
			})
			both(t, "lstm forward", 2e-6, func(r *rand.Rand) [][]float32 {
				c, out, saved := make([]float32, n), make([]float32, n), make([]float32, 5*n)
				LSTMForward(noise(r, 4*n, scale), noise(r, 4*n, scale), noise(r, 4*n, 1), noise(r, 4*n, 1), noise(r, n, 1), c, out, saved)
				return [][]float32{c, out, saved}
			})
			both(t, "lstm backward", 2e-6, func(r *rand.Rand) [][]float32 {
				dc, dg := noise(r, n, scale), make([]float32, 4*n)
				LSTMBackward(noise(r, n, scale), dc, noise(r, 5*n, 1), noise(r, n, 1), dg)
				return [][]float32{dc, dg}
			})
			both(t, "cross-entropy", 2e-6, func(r *rand.Rand) [][]float32 {
				x := noise(r, n, scale)
				loss := CrossEntropy(x, noise(r, n, 1), n/2, 0.5)
				return [][]float32{x, {float32(loss)}}
			})
		}
		both(t, "adamw", 2e-6, func(r *rand.Rand) [][]float32 {
			a := AdamW{GradScale: 0.7, Beta1: 0.9, Beta2: 0.98, Rate: 0.01, Correct1: 1.5, Correct2: 2, Epsilon: 1e-8, Decay: 0.1}
			w, m, v := noise(r, n+3, 1), noise(r, n+3, 0.1), noise(r, n+3, 0.1)
			for i, x := range v {
				v[i] = x * x
			}
			a.Step(w, m, v, noise(r, n+3, 1))
			return [][]float32{w, m, v}
		})
		both(t, "add", 0, func(r *rand.Rand) [][]float32 {
			x := noise(r, n+5, 1)
			Add(x, noise(r, n+5, 1))
			return [][]float32{x}
		})
	}
}

// TestCrossEntropyGradient compares the gradient with finite differences.
func TestCrossEntropyGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const n, target, eps = 16, 3, 1e-2
	x, bias := noise(r, n, 1), noise(r, n, 1)
	loss := func(i int, d float32) float64 {
		y := append([]float32(nil), x...)
		y[i] += d
		return CrossEntropy(y, bias, target, 1)
	}
	grad := append([]float32(nil), x...)
	CrossEntropy(grad, bias, target, 1)
	for i := range n {
		if d := (loss(i, eps) - loss(i, -eps)) / (2 * eps); math.Abs(d-float64(grad[i])) > 1e-4 {
			t.Errorf("gradient of logit %d is %v, want %v", i, grad[i], d)
		}
	}
}

// TestAllowed: the vector kernels are used if they are there and allowed.
func TestAllowed(t *testing.T) {
	if want := vectors && simd.AVX2.Allowed(); fast != want {
		t.Errorf("fast: %t, want %t", fast, want)
	}
}
