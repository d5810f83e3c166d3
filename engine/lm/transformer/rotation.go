package transformer

import (
	"math"

	"github.com/llmz/llmz/ggml"
)

// rotation computes the angles of RoPE for positions: pos * base^(-2i/dim). Its
// arithmetic is +, -, * and / of float64, each rounded by itself, so that tables are
// the same everywhere; errors are far below a float32's.
func rotation(c *Config, positions int) *ggml.Rotation {
	if c.Learned {
		return nil
	}
	n := c.RopeDim / 2
	r := &ggml.Rotation{Dim: c.RopeDim, Halves: c.Halves, Cos: make([]float32, positions*n), Sin: make([]float32, positions*n)}
	l := logarithm(c.RopeBase)
	for i := range n {
		f := exponential(-float64(float64(2*i)*l) / float64(c.RopeDim))
		for p := range positions {
			s, c := sinCos(float64(float64(p) * f))
			r.Cos[p*n+i], r.Sin[p*n+i] = float32(c), float32(s)
		}
	}
	return r
}

// logarithm returns ln x for x >= 1, by 2*atanh((m-1)/(m+1)) + e*ln 2.
func logarithm(x float64) float64 {
	m, e := math.Frexp(x)
	y := (m - 1) / (m + 1)
	q := float64(y * y)
	var s float64
	for k := 79; k >= 1; k -= 2 {
		s = float64(s*q) + 1/float64(k)
	}
	return float64(float64(2*y)*s) + float64(float64(e)*math.Ln2)
}

// exponential returns e^x for x in [-30, 0]: Taylor's series of x/1024, squared ten
// times.
func exponential(x float64) float64 {
	x /= 1024
	s := 1.0
	for k := 12; k >= 1; k-- {
		s = 1 + float64(x*s)/float64(k)
	}
	for range 10 {
		s = float64(s * s)
	}
	return s
}

// sinCos returns the sine and cosine of x >= 0, which is brought into [-pi, pi] by a
// multiple of 2*pi in two parts.
func sinCos(x float64) (sin, cos float64) {
	const high, low = 6.28318530716, 2.0*math.Pi - 6.28318530716
	n := math.Floor(float64(x/(2*math.Pi)) + 0.5)
	r := x - float64(n*high)
	r -= float64(n * low)
	q := float64(r * r)
	sin, cos = 1, 1
	for k := 28; k >= 2; k -= 2 {
		cos = 1 - float64(q*cos)/float64(k*(k-1))
		sin = 1 - float64(q*sin)/float64(k*(k+1))
	}
	return float64(r * sin), cos
}
