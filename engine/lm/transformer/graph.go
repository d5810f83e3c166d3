package transformer

import (
	"math"

	"github.com/llmz/llmz/ggml"
)

// step is the graph of a model with the tensors that a session uses.
type step struct {
	*ggml.Graph
	tokens, seq, pos *ggml.Tensor // inputs, by column
	stored           *ggml.Tensor // complete once every key and value is in its cache
	logits           *ggml.Tensor
}

// graph describes a step of up to that many columns, each a token at a position of
// one of the sequences.
func (m *Model) graph(columns, sequences int) step {
	c, n := &m.config, m.network
	g := ggml.NewGraph(columns)
	s := step{Graph: g, tokens: g.Input("tokens"), seq: g.Input("sequences"), pos: g.Input("positions")}
	scale := float32(math.Log2E / math.Sqrt(float64(c.HeadDim)))
	x := g.Embed(n.embed, n.embedFactor, n.positions, s.tokens, s.pos)
	for i := range n.layers {
		y := &n.layers[i]
		cache := g.Cache(ggml.Cache{Sequences: sequences, Positions: m.set.ctx, Heads: c.KVHeads, Size: c.HeadDim})
		a := g.Norm(x, y.attn)
		s.stored = g.Store(cache, y.k, y.v, a, s.seq, s.pos, m.rotation)
		o := g.Attention(cache, y.q, a, s.stored, s.seq, s.pos, m.rotation, scale)
		x = g.MulMatAdd(y.o, g.Quantize(o), x)
		f := g.Norm(x, y.ffn)
		if c.Gated {
			f = g.SwiGLU(g.MulMat(y.gate, f), g.MulMat(y.up, f))
		} else {
			f = g.GELU(g.MulMat(y.up, f), y.factor)
		}
		x = g.MulMatAdd(y.down, f, x)
	}
	s.logits = g.MulMat(n.out, g.Norm(x, n.norm))
	return s
}
