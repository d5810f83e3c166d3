package trainer

import (
	"github.com/llmz/llmz/ggml/parallel"
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vec"
)

// gradients accumulates weight gradients over a chunk.
type gradients struct {
	n    *network
	g    *recurrentParams // the gradient, in the parameters' layout
	a, b sgemm.Packed
	// dTable is the gradient of the first layer's input products: [257][gates*hidden].
	dTable []float32
}

func newGradients(n *network) *gradients {
	s := n.p.shape
	return &gradients{n: n, g: viewRecurrent(newParams(s)), dTable: make([]float32, inputSymbols*s.gates()*s.Hidden)}
}

// compute fills g with the gradient of the chunk that forwardBackward has run.
func (d *gradients) compute() {
	n, h := d.n, d.n.p.shape.Hidden
	gates := n.p.shape.gates() * h
	for li := range n.layers {
		l, t := &n.layers[li], d.g.layers[li]
		d.product(t.hh, l.dg, gates, l.hPrev, h)
		d.columnSums(t.bhh.in(d.g.data), l.dg, gates)
		if li > 0 {
			d.product(t.ih, l.di, gates, n.layers[li-1].hOut, h)
		}
		if n.p.shape.Arch == "lstm" {
			copy(t.bih.in(d.g.data), t.bhh.in(d.g.data))
		} else {
			d.columnSums(t.bih.in(d.g.data), l.di, gates)
		}
	}
	d.product(d.g.fc, n.logits, outputSymbols, n.layers[len(n.layers)-1].hOut, h)
	d.columnSums(d.g.fcb.in(d.g.data), n.logits, outputSymbols)
	d.embedding(gates)
}

// product computes the gradient of t: dy^T * x over all symbols.
func (d *gradients) product(t tensor, dy []float32, rows int, x []float32, cols int) {
	n := d.n
	n.kernel.PackLeft(&d.a, sgemm.Dense(dy, n.symbols, rows).T(), n.threads)
	n.kernel.PackRight(&d.b, sgemm.Dense(x, n.symbols, cols), n.threads)
	n.kernel.Mul(t.matrix(d.g.data), 1, &d.a, &d.b, 0, n.threads)
}

// sumBlock is the number of columns summed at once, so that a block of sums stays
// in the first-level cache.
const sumBlock = 512

// columnSums sums the rows of dy, [symbols][cols].
func (d *gradients) columnSums(dst, dy []float32, cols int) {
	parallel.For(d.n.threads, (cols+sumBlock-1)/sumBlock, func(b int) {
		from, to := b*sumBlock, min(cols, (b+1)*sumBlock)
		out := dst[from:to]
		clear(out)
		for r := range d.n.symbols {
			vec.Add(out, dy[r*cols+from:r*cols+to])
		}
	})
}

// embedding computes the gradients of the embedding and of the first layer's
// input weights by way of the table of their products.
func (d *gradients) embedding(gates int) {
	n, first := d.n, &d.n.layers[0]
	parallel.For(n.threads, (gates+sumBlock-1)/sumBlock, func(b int) {
		from, to := b*sumBlock, min(gates, (b+1)*sumBlock)
		for s := range inputSymbols {
			clear(d.dTable[s*gates+from : s*gates+to])
		}
		for r := range n.symbols {
			s := int(n.input[r])
			vec.Add(d.dTable[s*gates+from:s*gates+to], first.di[r*gates+from:r*gates+to])
		}
	})
	table := sgemm.Dense(d.dTable, inputSymbols, gates)
	multiply := func(t tensor, left, right sgemm.Matrix) {
		n.kernel.PackLeft(&d.a, left, n.threads)
		n.kernel.PackRight(&d.b, right, n.threads)
		n.kernel.Mul(t.matrix(d.g.data), 1, &d.a, &d.b, 0, n.threads)
	}
	ih := n.p.layers[0].ih
	multiply(d.g.embed, table, ih.matrix(n.p.data))
	multiply(d.g.layers[0].ih, table.T(), n.p.embed.matrix(n.p.data))
}
