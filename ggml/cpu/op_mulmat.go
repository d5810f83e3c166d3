package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(func(c *compiler, t *tensor, o ggml.OpMulMat) op {
		c.need(t.Groups * t.columns * kernel.Rows)
		c.needSums(t.src[0])
		return &mulMat{c.matrix(o.Matrix)}
	})
}

type mulMat struct{ m *packed }

func (o *mulMat) work() work         { return byRows(o.m.rows, o.m.groups) }
func (o *mulMat) local(*tensor) bool { return false }
func (o *mulMat) scratch() bool      { return true }

func (o *mulMat) run(w *worker, t *tensor, unit, n int) {
	m, a := o.m, t.src[0]
	k, g := m.kern, m.groups
	size := g * m.panel
	acc := w.acc
	k.MatMul(acc, m.w[unit*size:(unit+1)*size], a.i8, w.sumsOf(a, n), g, n, a.columns, m.blocks)
	dst, part, stride := t.f32, unit*kernel.Rows, pad(m.rows, kernel.Rows)
	if t.local {
		dst, part, stride = w.f32, t.offset, kernel.Rows
	}
	for i := range g {
		row := (unit*g + i) * kernel.Rows
		k.Dequant(dst[part:], acc, m.scale[row:], m.bias[row:], n, stride)
		part += n * kernel.Rows
		acc = acc[n*kernel.Rows:]
	}
}
