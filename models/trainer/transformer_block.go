package trainer

import (
	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vec"
)

// A worker runs a few sequences at a time through all layers.
type worker struct {
	n         *transformer
	sequences int // at most
	rows      int // of this run
	first     int // sequence of the chunk
	layers    []activations
	x         []float32 // [rows][hidden]: what leaves the last layer
	norm      []float32 // the same normalised
	stats     []rowStats
	logits    []float32 // [rows][vocabulary]

	dx, dn     []float32 // [rows][hidden]
	da         []float32 // [rows][inner]
	dqkv, datt []float32
	left       sgemm.Packed
	right      sgemm.Packed
	attention  attentionScratch
}

// rowStats is what the gradient of a norm needs.
type rowStats struct{ mean, inverse float32 }

// activations is what a layer keeps for its gradient, a row for each token.
type activations struct {
	x1, norm1 []float32 // [hidden]: read, and normalised
	stats1    []rowStats
	qkv       []float32
	attended  []float32 // [hidden]
	lse       []float32 // [heads]: logarithm of the sum of the attention's exponentials
	x2, norm2 []float32 // [hidden]: after the attention
	stats2    []rowStats
	up        []float32
	act       []float32 // [inner]
}

func newWorker(n *transformer, sequences int) *worker {
	s := n.shape
	rows := sequences * s.Context
	floats := func(width int) []float32 { return make([]float32, rows*width) }
	w := &worker{n: n, sequences: sequences, layers: make([]activations, s.Layers), x: floats(s.Hidden), norm: floats(s.Hidden),
		stats: make([]rowStats, rows), logits: floats(s.Vocabulary), dx: floats(s.Hidden), dn: floats(s.Hidden),
		da: floats(s.Inner), dqkv: floats(s.qkv()), datt: floats(s.Hidden)}
	for i := range w.layers {
		w.layers[i] = activations{x1: floats(s.Hidden), norm1: floats(s.Hidden), stats1: make([]rowStats, rows),
			qkv: floats(s.qkv()), attended: floats(s.Hidden), lse: floats(s.Heads),
			x2: floats(s.Hidden), norm2: floats(s.Hidden), stats2: make([]rowStats, rows), up: floats(s.up()), act: floats(s.Inner)}
	}
	return w
}

// run computes the cross-entropy of some sequences of the chunk, in nats, and adds its
// gradient to g unless that is nil.
func (w *worker) run(first, sequences int, g []float32) float64 {
	w.first, w.rows = first, sequences*w.n.shape.Context
	w.embed()
	for l := range w.layers {
		w.forward(l)
	}
	n, v := w.n, w.n.v
	w.normalise(w.norm, w.x, w.stats, v.norm, v.bias)
	w.multiply(w.logits, w.norm, &n.head.forward, 0)
	loss, width := 0.0, n.shape.Vocabulary
	for r := range w.rows {
		row, t := w.logits[r*width:][:width], n.target[first*n.shape.Context+r]
		if t == none {
			clear(row)
		} else {
			loss += vec.CrossEntropy(row, nil, int(t), n.scale)
		}
	}
	if g == nil {
		return loss
	}
	w.weightGradient(g, v.embed, w.logits, w.norm)
	w.multiply(w.dn, w.logits, &n.head.backward, 0)
	clear(w.dx[:w.rows*n.shape.Hidden])
	w.normaliseBackward(g, w.dn, w.x, w.stats, v.norm, v.bias)
	for l := len(w.layers) - 1; l >= 0; l-- {
		w.backward(l, g)
	}
	w.embedBackward(g)
	return loss
}

// embed looks up the tokens' embeddings, and the positions' where they are learned.
func (w *worker) embed() {
	n, d := w.n, w.n.shape.Hidden
	table, positions := n.v.embed.in(n.p.data), n.v.position.in(n.p.data)
	x := w.layers[0].x1
	for r := range w.rows {
		row := x[r*d:][:d]
		copy(row, table[int(n.input[w.first*n.shape.Context+r])*d:])
		if len(positions) > 0 {
			vec.Add(row, positions[r%n.shape.Context*d:][:d])
		}
	}
}

func (w *worker) embedBackward(g []float32) {
	n, d := w.n, w.n.shape.Hidden
	table, positions := n.v.embed.in(g), n.v.position.in(g)
	for r := range w.rows {
		row := w.dx[r*d:][:d]
		vec.Add(table[int(n.input[w.first*n.shape.Context+r])*d:][:d], row)
		if len(positions) > 0 {
			vec.Add(positions[r%n.shape.Context*d:][:d], row)
		}
	}
}

// forward runs a layer.
func (w *worker) forward(l int) {
	n, a, b := w.n, &w.layers[l], &w.n.v.blocks[l]
	d := n.shape.Hidden
	w.normalise(a.norm1, a.x1, a.stats1, b.norm1, b.bias1)
	w.multiply(a.qkv, a.norm1, &n.packed[l].qkv.forward, 0)
	w.addBias(a.qkv, b.qkvBias)
	w.rotate(a.qkv, n.sin)
	w.attend(a)
	copy(a.x2[:w.rows*d], a.x1)
	w.multiply(a.x2, a.attended, &n.packed[l].out.forward, 1)
	w.addBias(a.x2, b.outBias)

	w.normalise(a.norm2, a.x2, a.stats2, b.norm2, b.bias2)
	w.multiply(a.up, a.norm2, &n.packed[l].up.forward, 0)
	w.addBias(a.up, b.upBias)
	inner, up := n.shape.Inner, n.shape.up()
	for r := range w.rows {
		out, in := a.act[r*inner:][:inner], a.up[r*up:][:up]
		if n.shape.Arch == GPT {
			vec.SwiGLU(out, in[:inner], in[inner:])
		} else {
			vec.GELU(out, in)
		}
	}
	next := w.x
	if l+1 < len(w.layers) {
		next = w.layers[l+1].x1
	}
	copy(next[:w.rows*d], a.x2)
	w.multiply(next, a.act, &n.packed[l].down.forward, 1)
	w.addBias(next, b.downBias)
}

// backward turns dx from the gradient of what leaves a layer to that of what enters it.
func (w *worker) backward(l int, g []float32) {
	n, a, b := w.n, &w.layers[l], &w.n.v.blocks[l]
	inner, up := n.shape.Inner, n.shape.up()
	w.weightGradient(g, b.down, w.dx, a.act)
	w.biasGradient(g, b.downBias, w.dx)
	w.multiply(w.da, w.dx, &n.packed[l].down.backward, 0)
	for r := range w.rows {
		da, in := w.da[r*inner:][:inner], a.up[r*up:][:up]
		if n.shape.Arch == GPT {
			vec.SwiGLUBackward(in[:inner], in[inner:], da)
		} else {
			vec.GELUBackward(in, da)
		}
	}
	w.weightGradient(g, b.up, a.up, a.norm2)
	w.biasGradient(g, b.upBias, a.up)
	w.multiply(w.dn, a.up, &n.packed[l].up.backward, 0)
	w.normaliseBackward(g, w.dn, a.x2, a.stats2, b.norm2, b.bias2)

	w.weightGradient(g, b.out, w.dx, a.attended)
	w.biasGradient(g, b.outBias, w.dx)
	w.multiply(w.datt, w.dx, &n.packed[l].out.backward, 0)
	w.attendBackward(a)
	w.rotate(w.dqkv, n.back)
	w.weightGradient(g, b.qkv, w.dqkv, a.norm1)
	w.biasGradient(g, b.qkvBias, w.dqkv)
	w.multiply(w.dn, w.dqkv, &n.packed[l].qkv.backward, 0)
	w.normaliseBackward(g, w.dn, a.x1, a.stats1, b.norm1, b.bias1)
}

// multiply computes y = x*W + beta*y for all rows.
func (w *worker) multiply(y, x []float32, weight *sgemm.Packed, beta float32) {
	in, out := weight.Inner(), weight.Columns()
	w.n.kernel.PackLeft(&w.left, sgemm.Dense(x, w.rows, in), 1)
	w.n.kernel.Mul(sgemm.Dense(y, w.rows, out), 1, &w.left, weight, beta, 1)
}

// weightGradient adds dy^T * x to the gradient of t.
func (w *worker) weightGradient(g []float32, t tensor, dy, x []float32) {
	k := w.n.kernel
	k.PackLeft(&w.left, sgemm.Dense(dy, w.rows, t.rows).T(), 1)
	k.PackRight(&w.right, sgemm.Dense(x, w.rows, t.cols), 1)
	k.Mul(t.matrix(g), 1, &w.left, &w.right, 1, 1)
}

func (w *worker) addBias(y []float32, bias tensor) {
	if cols := bias.cols; cols > 0 {
		b := bias.in(w.n.p.data)
		for r := range w.rows {
			vec.Add(y[r*cols:][:cols], b)
		}
	}
}

func (w *worker) biasGradient(g []float32, bias tensor, dy []float32) {
	if cols := bias.cols; cols > 0 {
		b := bias.in(g)
		for r := range w.rows {
			vec.Add(b, dy[r*cols:][:cols])
		}
	}
}

func (w *worker) normalise(out, x []float32, stats []rowStats, weight, bias tensor) {
	n, d := w.n, w.n.shape.Hidden
	var b []float32
	if bias.cols > 0 {
		b = bias.in(n.p.data)
	}
	k := weight.in(n.p.data)
	for r := range w.rows {
		s := &stats[r]
		s.mean, s.inverse = vec.Norm(out[r*d:][:d], x[r*d:][:d], k, b, normEpsilon, n.shape.Arch == GPT2)
	}
}

// normaliseBackward adds the gradient of what a norm reads to dx; dy is that of what it
// writes.
func (w *worker) normaliseBackward(g, dy, x []float32, stats []rowStats, weight, bias tensor) {
	n, d := w.n, w.n.shape.Hidden
	k, dk := weight.in(n.p.data), weight.in(g)
	w.biasGradient(g, bias, dy)
	for r := range w.rows {
		vec.NormBackward(w.dx[r*d:][:d], dk, dy[r*d:][:d], x[r*d:][:d], k, stats[r].mean, stats[r].inverse, n.shape.Arch == GPT2)
	}
}

// rotate turns the queries and keys of all rows by their positions.
func (w *worker) rotate(qkv, sin []float32) {
	s := w.n.shape
	if sin == nil {
		return
	}
	width, head := s.qkv(), s.head()
	for r := range w.rows {
		at := r % s.Context * head
		c, t := w.n.cos[at:][:head], sin[at:][:head]
		for h := range s.Heads + s.KVHeads {
			vec.Rotate(qkv[r*width+h*head:][:head], c, t)
		}
	}
}
