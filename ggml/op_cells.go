package ggml

import "github.com/llmz/llmz/ggml/kernel"

// GRU adds the update of the hidden state s from the pre-activations
// x = W_ih*input + b_ih and p = W_hh*h + b_hh, both F32 [3*size, lanes], in
// PyTorch's gate order r, z, n. The result are the new int8 activations.
func (g *Graph) GRU(x, p *Tensor, s *State) *Tensor { return g.cell(&cell{gates: 3, s: s}, x, p) }

// LSTM adds the update of the cell state s from x and p as in GRU, F32
// [4*size, lanes] in PyTorch's gate order i, f, g, o. The result are the new int8
// activations of the hidden state.
func (g *Graph) LSTM(x, p *Tensor, s *State) *Tensor { return g.cell(&cell{gates: 4, s: s}, x, p) }

func (g *Graph) cell(c *cell, x, p *Tensor) *Tensor {
	for _, t := range []*Tensor{x, p} {
		if t.Type != F32 || t.Ne[0] != c.gates*c.s.size || t.groups != c.gates {
			g.fail("%s of size %d with %v pre-activations of %d in %d groups", c.name(), c.s.size, t.Type, t.Ne[0], t.groups)
		}
	}
	t := c.s.q[1]
	if t.op != nil {
		g.fail("state %q is updated twice", t.Name)
	}
	t.op, t.src = c, []*Tensor{x, p}
	t.index = len(g.nodes)
	g.nodes = append(g.nodes, t)
	return t
}

type cell struct {
	gates int
	s     *State
}

func (o *cell) name() string {
	if o.gates == 3 {
		return "gru"
	}
	return "lstm"
}

func (o *cell) units(int) int      { return units(o.s.size, 1) }
func (o *cell) local(*Tensor) bool { return true }
func (o *cell) scratch() bool      { return false }

func (o *cell) run(w *worker, t *Tensor, unit, n int) {
	at := unit * t.Ne[1] * kernel.Block
	x, p := w.f32[t.src[0].offset:], w.f32[t.src[1].offset:]
	if o.gates == 3 {
		w.plan.kern.GRU(o.s.f32[at:], t.i8[at:], x, p, n*kernel.Block)
	} else {
		w.plan.kern.LSTM(o.s.f32[at:], t.i8[at:], x, p, n*kernel.Block)
	}
}
