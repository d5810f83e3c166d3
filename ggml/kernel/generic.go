package kernel

// Generic is the kernel in plain Go. It defines the results of all others.
var Generic = Kernel{
	Name:    "generic",
	MatMul:  matMulGeneric,
	Dequant: dequantGeneric,
	GRU:     gruGeneric,
	LSTM:    lstmGeneric,
	Freqs:   freqsGeneric,

	Transformer: GenericTransformer,
}

func matMulGeneric(acc []int32, w, a []int8, _ []int32, panels, lanes, stride, blocks int) {
	size := blocks * Rows * Block
	for p := range panels {
		panel := w[p*size : (p+1)*size]
		for l := range lanes {
			sum := (*[Rows]int32)(acc[(p*lanes+l)*Rows:])
			clear(sum[:])
			for b := range blocks {
				x := (*[Block]int8)(a[(b*stride+l)*Block:])
				wb := (*[Rows * Block]int8)(panel[b*Rows*Block:])
				for c := 0; c < Block; c += 4 {
					x0, x1, x2, x3 := int32(x[c]), int32(x[c+1]), int32(x[c+2]), int32(x[c+3])
					for r := range Rows {
						v := wb[(c*Rows)+4*r : (c*Rows)+4*r+4 : (c*Rows)+4*r+4]
						sum[r] += int32(v[0])*x0 + int32(v[1])*x1 + int32(v[2])*x2 + int32(v[3])*x3
					}
				}
			}
		}
	}
}

func dequantGeneric(dst []float32, acc []int32, scale, bias []float32, lanes, stride int) {
	s, b := (*[Rows]float32)(scale), (*[Rows]float32)(bias)
	for l := range lanes {
		y, v := (*[Rows]float32)(dst[l*stride:]), (*[Rows]int32)(acc[l*Rows:])
		for r := range Rows {
			y[r] = float32(float32(v[r])*s[r]) + b[r]
		}
	}
}

func gruGeneric(h []float32, q []int8, x, p []float32, n int) {
	h, q = h[:n], q[:n]
	xr, xz, xn := x[:n], x[n:2*n], x[2*n:3*n]
	pr, pz, pn := p[:n], p[n:2*n], p[2*n:3*n]
	for i := range n {
		r := Sigmoid32(xr[i] + pr[i])
		z := Sigmoid32(xz[i] + pz[i])
		c := Tanh32(xn[i] + float32(r*pn[i]))
		v := c + float32(z*(h[i]-c))
		if v > 1 {
			v = 1
		}
		if v < -1 {
			v = -1
		}
		h[i] = v
		q[i] = int8(roundEven(float32(v * 127)))
	}
}

func lstmGeneric(c []float32, q []int8, x, p []float32, n int) {
	c, q = c[:n], q[:n]
	xi, xf, xg, xo := x[:n], x[n:2*n], x[2*n:3*n], x[3*n:4*n]
	pi, pf, pg, po := p[:n], p[n:2*n], p[2*n:3*n], p[3*n:4*n]
	for j := range n {
		i := Sigmoid32(xi[j] + pi[j])
		f := Sigmoid32(xf[j] + pf[j])
		g := Tanh32(xg[j] + pg[j])
		o := Sigmoid32(xo[j] + po[j])
		v := float32(f*c[j]) + float32(i*g)
		c[j] = v
		h := float32(o * Tanh32(v))
		q[j] = int8(roundEven(float32(h * 127)))
	}
}

func freqsGeneric(freqs []uint32, logits []float32) uint32 {
	freqs = freqs[:len(logits)]
	top := logits[0]
	for _, v := range logits {
		if v > top {
			top = v
		}
	}
	var total uint32
	for i, v := range logits {
		f := 1 + uint32(int32(Exp32(v-top)))
		freqs[i] = f
		total += f
	}
	return total
}
