// Package vec holds the elementwise kernels of training: recurrent cells forward
// and backward, softmax and AdamW, on rows of float32. Kernels may use fused
// multiply-adds and approximate exponentials: they are for training only.
package vec

import "math"

// GRUForward is one step of a GRU for one stream of hidden size n = len(h). gi and
// gh (3n: reset, update, new) are the input and hidden products, bi and bh their
// biases. out gets the new state, saved (4n) what GRUBackward needs.
func GRUForward(gi, gh, bi, bh, h, out, saved []float32) {
	n := len(h)
	_, _, _, _, _, _ = gi[3*n-1], gh[3*n-1], bi[3*n-1], bh[3*n-1], out[n-1], saved[4*n-1]
	if fast && n%8 == 0 {
		gruForward(n, &gi[0], &gh[0], &bi[0], &bh[0], &h[0], &out[0], &saved[0])
		return
	}
	for i := range n {
		r := sigmoid(gi[i] + bi[i] + gh[i] + bh[i])
		z := sigmoid(gi[n+i] + bi[n+i] + gh[n+i] + bh[n+i])
		hn := gh[2*n+i] + bh[2*n+i]
		nn := tanh(gi[2*n+i] + bi[2*n+i] + r*hn)
		out[i] = nn + z*(h[i]-nn)
		saved[i], saved[n+i], saved[2*n+i], saved[3*n+i] = r, z, nn, hn
	}
}

// GRUBackward takes dh, the gradient of the step's new state, and computes those
// of the gates' input parts (di, 3n) and hidden parts (dg, 3n). dh becomes the
// part of the old state's gradient that does not pass through a product.
func GRUBackward(dh, saved, h, di, dg []float32) {
	n := len(h)
	_, _, _, _ = dh[n-1], saved[4*n-1], di[3*n-1], dg[3*n-1]
	if fast && n%8 == 0 {
		gruBackward(n, &dh[0], &saved[0], &h[0], &di[0], &dg[0])
		return
	}
	for i := range n {
		r, z, nn, hn := saved[i], saved[n+i], saved[2*n+i], saved[3*n+i]
		d := dh[i]
		dz := d * (h[i] - nn) * z * (1 - z)
		dn := d * (1 - z) * (1 - nn*nn)
		dr := dn * hn * r * (1 - r)
		di[i], di[n+i], di[2*n+i] = dr, dz, dn
		dg[i], dg[n+i], dg[2*n+i] = dr, dz, dn*r
		dh[i] = d * z
	}
}

// LSTMForward is one step of an LSTM for one stream of hidden size n = len(c). gi
// and gh (4n: input, forget, cell, output) are the input and hidden products, bi
// and bh their biases. cOut and out get the new cell and hidden state, saved (5n)
// what LSTMBackward needs.
func LSTMForward(gi, gh, bi, bh, c, cOut, out, saved []float32) {
	n := len(c)
	_, _, _, _, _, _, _ = gi[4*n-1], gh[4*n-1], bi[4*n-1], bh[4*n-1], cOut[n-1], out[n-1], saved[5*n-1]
	if fast && n%8 == 0 {
		lstmForward(n, &gi[0], &gh[0], &bi[0], &bh[0], &c[0], &cOut[0], &out[0], &saved[0])
		return
	}
	for i := range n {
		ig := sigmoid(gi[i] + bi[i] + gh[i] + bh[i])
		f := sigmoid(gi[n+i] + bi[n+i] + gh[n+i] + bh[n+i])
		g := tanh(gi[2*n+i] + bi[2*n+i] + gh[2*n+i] + bh[2*n+i])
		o := sigmoid(gi[3*n+i] + bi[3*n+i] + gh[3*n+i] + bh[3*n+i])
		cOut[i] = f*c[i] + ig*g
		t := tanh(cOut[i])
		out[i] = o * t
		saved[i], saved[n+i], saved[2*n+i], saved[3*n+i], saved[4*n+i] = ig, f, g, o, t
	}
}

// LSTMBackward takes dh, the gradient of the step's new hidden state, and dc, that
// of its new cell state by way of later steps; c is the old cell state. dg (4n)
// gets the gradients of the gates, dc becomes that of the old cell state.
func LSTMBackward(dh, dc, saved, c, dg []float32) {
	n := len(c)
	_, _, _, _ = dh[n-1], dc[n-1], saved[5*n-1], dg[4*n-1]
	if fast && n%8 == 0 {
		lstmBackward(n, &dh[0], &dc[0], &saved[0], &c[0], &dg[0])
		return
	}
	for i := range n {
		ig, f, g, o, t := saved[i], saved[n+i], saved[2*n+i], saved[3*n+i], saved[4*n+i]
		e := dc[i] + dh[i]*o*(1-t*t)
		dg[3*n+i] = dh[i] * t * o * (1 - o)
		dg[n+i] = e * c[i] * f * (1 - f)
		dg[i] = e * g * ig * (1 - ig)
		dg[2*n+i] = e * ig * (1 - g*g)
		dc[i] = e * f
	}
}

// CrossEntropy adds the bias, unless it is nil, to logits and replaces them by the
// gradient of the cross-entropy with respect to them, times scale. It returns the
// cross-entropy in nats.
func CrossEntropy(logits, bias []float32, target int, scale float32) float64 {
	n := len(logits)
	var most float32
	switch {
	case bias == nil:
		most = Max(logits)
	case fast && n%8 == 0:
		_ = bias[n-1]
		most = addMax(n, &logits[0], &bias[0])
	default:
		Add(logits, bias[:n])
		most = Max(logits)
	}
	wanted := logits[target]
	sum := Exp(logits, most)
	Scale(logits, scale/sum)
	logits[target] -= scale
	return math.Log(float64(sum)) - float64(wanted-most)
}

// AdamW holds the factors of one step of the optimiser.
type AdamW struct {
	GradScale    float32 // applied to the gradient (clipping)
	Beta1, Beta2 float32
	Rate         float32 // learning rate
	Correct1     float32 // 1/(1-beta1^t)
	Correct2     float32 // 1/sqrt(1-beta2^t)
	Epsilon      float32
	Decay        float32 // decoupled weight decay, times the rate
}

// Step updates weights w and moments m and v from gradient g, all of one length.
func (a *AdamW) Step(w, m, v, g []float32) {
	n := len(w)
	if n == 0 {
		return
	}
	_, _, _ = m[n-1], v[n-1], g[n-1]
	k := [8]float32{a.GradScale, 1 - a.Beta1, 1 - a.Beta2, a.Rate * a.Correct1, a.Correct2, a.Epsilon, 1 - a.Rate*a.Decay}
	i := 0
	if fast {
		if i = n &^ 7; i > 0 {
			adamW(i, &w[0], &m[0], &v[0], &g[0], &k)
		}
	}
	for ; i < n; i++ {
		x := g[i] * k[0]
		m[i] += k[1] * (x - m[i])
		v[i] += k[2] * (x*x - v[i])
		w[i] = w[i]*k[6] - k[3]*m[i]/(float32(math.Sqrt(float64(v[i])))*k[4]+k[5])
	}
}

// Add adds src to dst.
func Add(dst, src []float32) {
	n := len(src)
	if n == 0 {
		return
	}
	_ = dst[n-1]
	i := 0
	if fast {
		if i = n &^ 7; i > 0 {
			addTo(i, &dst[0], &src[0])
		}
	}
	for ; i < n; i++ {
		dst[i] += src[i]
	}
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func tanh(x float32) float32 { return float32(math.Tanh(float64(x))) }
