package ggml

import "github.com/llmz/llmz/ggml/kernel"

// MulMat adds y = scale * (W a) + bias: F32 [rows, lanes] from the I8 activations
// a [cols, lanes]. The product is exact; scale and bias are float32, one for each
// row.
func (g *Graph) MulMat(m *Matrix, a *Tensor) *Tensor {
	if a.Type != I8 || a.Ne[0] != m.Cols {
		g.fail("%d x %d matrix times %v activations of %d", m.Rows, m.Cols, a.Type, a.Ne[0])
	}
	if m.kern != g.kern {
		g.fail("matrix packed for %s in a graph for %s", m.kern.Name, g.kern.Name)
	}
	t := g.add("mulmat", F32, m.Rows, &mulMat{m: m}, a)
	t.groups = m.Groups
	return t
}

type mulMat struct{ m *Matrix }

func (o *mulMat) name() string       { return "mulmat" }
func (o *mulMat) units(int) int      { return units(o.m.Rows, o.m.Groups) }
func (o *mulMat) local(*Tensor) bool { return false }
func (o *mulMat) scratch() bool      { return true }

func (o *mulMat) run(w *worker, t *Tensor, unit, n int) {
	m, a := o.m, t.src[0]
	k := m.kern
	stride := a.Ne[1]
	blocks := m.blocks()
	var sums []int32
	if k.Sums != nil {
		sums = w.sums[t.index]
		if w.summed[t.index] != w.plan.round {
			k.Sums(sums, a.i8, n, stride, blocks)
			w.summed[t.index] = w.plan.round
		}
	}
	g := m.Groups
	size := g * blocks * kernel.Block * kernel.Rows
	k.MatMul(w.acc, m.w[unit*size:(unit+1)*size], a.i8, sums, g, n, stride, blocks)
	for i := range g {
		row := (unit*g + i) * kernel.Rows
		acc := w.acc[i*n*kernel.Rows:]
		if t.local {
			k.Dequant(w.f32[t.offset+i*n*kernel.Rows:], acc, m.scale[row:], m.bias[row:], n, kernel.Rows)
			continue
		}
		k.Dequant(t.f32[unit*kernel.Rows:], acc, m.scale[row:], m.bias[row:], n, pad(m.Rows, kernel.Rows))
	}
}
