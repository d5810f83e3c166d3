package vec

import "math"

// Norm normalises a row: out = (x-mean)/deviation*w, plus b where b is not nil. Without
// centre, mean is 0 and the deviation the root of the mean square (RMS norm); with it
// they are those of the row (layer norm). It returns what NormBackward needs.
func Norm(out, x, w, b []float32, epsilon float32, centre bool) (mean, inverse float32) {
	n := len(x)
	_, _ = out[n-1], w[n-1]
	squares := Dot(x, x) / float32(n)
	if centre {
		mean = Sum(x) / float32(n)
		squares -= mean * mean
	}
	inverse = float32(1 / math.Sqrt(float64(max(squares, 0)+epsilon)))
	if fast && n%8 == 0 {
		normForward(n, &out[0], &x[0], &w[0], mean, inverse)
	} else {
		for i, v := range x {
			out[i] = (v - mean) * inverse * w[i]
		}
	}
	if b != nil {
		Add(out[:n], b[:n])
	}
	return mean, inverse
}

// NormBackward adds the gradients of the row and of the weight to dx and dw; dy is that
// of the result. The bias's is dy itself.
func NormBackward(dx, dw, dy, x, w []float32, mean, inverse float32, centre bool) {
	n := len(x)
	_, _, _, _ = dx[n-1], dw[n-1], dy[n-1], w[n-1]
	var c, b float32
	if centre {
		d := Dot(dy[:n], w[:n])
		c = Dot3(dy[:n], w[:n], x) - mean*d
		b = d * inverse / float32(n)
	} else {
		c = Dot3(dy[:n], w[:n], x)
	}
	a := c * inverse * inverse * inverse / float32(n)
	if fast && n%8 == 0 {
		normBackward(n, &dx[0], &dw[0], &dy[0], &x[0], &w[0], mean, inverse, a, b)
		return
	}
	for i, v := range x {
		d := dy[i] * inverse
		dw[i] += d * (v - mean)
		dx[i] += d*w[i] - (v-mean)*a - b
	}
}

// SwiGLU computes out = g*sigmoid(g)*u.
func SwiGLU(out, g, u []float32) {
	n := len(out)
	_, _ = g[n-1], u[n-1]
	if fast && n%8 == 0 {
		swigluForward(n, &out[0], &g[0], &u[0])
		return
	}
	for i := range out {
		out[i] = g[i] * sigmoid(g[i]) * u[i]
	}
}

// SwiGLUBackward replaces g and u by their gradients; da is that of the result.
func SwiGLUBackward(g, u, da []float32) {
	n := len(da)
	_, _ = g[n-1], u[n-1]
	if fast && n%8 == 0 {
		swigluBackward(n, &g[0], &u[0], &da[0])
		return
	}
	for i, d := range da {
		s := sigmoid(g[i])
		y := g[i] * s
		g[i], u[i] = d*u[i]*(s+y*(1-s)), d*y
	}
}

// The tanh form of GELU is x*sigmoid(gelu2c*x + gelu2ck*x^3).
const (
	gelu2c  = 1.5957691216
	gelu2ck = gelu2c * 0.044715
)

// GELU computes the tanh form of the Gaussian error linear unit.
func GELU(out, x []float32) {
	n := len(out)
	_ = x[n-1]
	if fast && n%8 == 0 {
		geluForward(n, &out[0], &x[0])
		return
	}
	for i := range out {
		v := x[i]
		out[i] = v * sigmoid(v*(gelu2c+gelu2ck*v*v))
	}
}

// GELUBackward replaces x by its gradient; da is that of the result.
func GELUBackward(x, da []float32) {
	n := len(da)
	_ = x[n-1]
	if fast && n%8 == 0 {
		geluBackward(n, &x[0], &da[0])
		return
	}
	for i, d := range da {
		v := x[i]
		s := sigmoid(v * (gelu2c + gelu2ck*v*v))
		x[i] = d * (s + v*s*(1-s)*(gelu2c+3*gelu2ck*v*v))
	}
}

// Rotate turns each pair of neighbours of x: c holds the cosine for both, s the negative
// sine for the first and the sine for the second.
func Rotate(x, c, s []float32) {
	n := len(x)
	_, _ = c[n-1], s[n-1]
	if fast && n%8 == 0 {
		rotate(n, &x[0], &c[0], &s[0])
		return
	}
	for i := 0; i < n; i += 2 {
		a, b := x[i], x[i+1]
		x[i], x[i+1] = a*c[i]+b*s[i], b*c[i+1]+a*s[i+1]
	}
}

// Exp replaces x by e^(x-shift) and returns the sum.
func Exp(x []float32, shift float32) float32 {
	n, total := len(x)&^7, float32(0)
	if !fast {
		n = 0
	}
	if n > 0 {
		total = expSum(n, &x[0], shift)
	}
	for i := n; i < len(x); i++ {
		x[i] = float32(math.Exp(float64(x[i] - shift)))
		total += x[i]
	}
	return total
}

// SoftmaxBackward replaces dp by the gradient of the products that a softmax of k times
// them was taken of; p is the softmax, d the sum of p*dp.
func SoftmaxBackward(p, dp []float32, d, k float32) {
	n := len(dp)
	_ = p[n-1]
	i := 0
	if fast {
		if i = n &^ 7; i > 0 {
			softmaxBackward(i, &p[0], &dp[0], d, k)
		}
	}
	for ; i < n; i++ {
		dp[i] = p[i] * (dp[i] - d) * k
	}
}

// Scale multiplies x by k.
func Scale(x []float32, k float32) {
	i := 0
	if fast {
		if i = len(x) &^ 7; i > 0 {
			scale(i, &x[0], k)
		}
	}
	for ; i < len(x); i++ {
		x[i] *= k
	}
}

// Max returns the largest element of x.
func Max(x []float32) float32 {
	i, m := 0, float32(math.Inf(-1))
	if fast {
		if i = len(x) &^ 7; i > 0 {
			m = largest(i, &x[0])
		}
	}
	for ; i < len(x); i++ {
		m = max(m, x[i])
	}
	return m
}

// Sum returns the sum of x.
func Sum(x []float32) float32 {
	i, s := 0, float32(0)
	if fast {
		if i = len(x) &^ 7; i > 0 {
			s = sum(i, &x[0])
		}
	}
	for ; i < len(x); i++ {
		s += x[i]
	}
	return s
}

// Dot returns the sum of the products of x and y.
func Dot(x, y []float32) float32 {
	n := len(x)
	_ = y[n-1]
	i, s := 0, float32(0)
	if fast {
		if i = n &^ 7; i > 0 {
			s = dot(i, &x[0], &y[0])
		}
	}
	for ; i < n; i++ {
		s += x[i] * y[i]
	}
	return s
}

// Dot3 returns the sum of the products of x, y and z.
func Dot3(x, y, z []float32) float32 {
	n := len(x)
	_, _ = y[n-1], z[n-1]
	i, s := 0, float32(0)
	if fast {
		if i = n &^ 7; i > 0 {
			s = dot3(i, &x[0], &y[0], &z[0])
		}
	}
	for ; i < n; i++ {
		s += x[i] * y[i] * z[i]
	}
	return s
}
