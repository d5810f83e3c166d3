package ggml

import "github.com/llmz/llmz/ggml/kernel"

// Freqs adds the integer frequencies of logits: 1 + floor(exp(logit - max) *
// 2^kernel.FreqBits), and their sum. The number of logits must be a multiple of
// kernel.Block, at most 256, so that the sum is under 2^32.
func (g *Graph) Freqs(logits *Tensor) *Tensor {
	n := logits.Ne[0]
	if logits.Type != F32 || n%kernel.Block != 0 || n > 256 {
		g.fail("frequencies of %d %v logits", n, logits.Type)
	}
	t := g.add("freqs", I32, n, freqs{}, logits)
	t.u32 = aligned[uint32](n * g.lanes)
	t.sum = make([]uint32, g.lanes)
	return t
}

type freqs struct{}

func (freqs) name() string       { return "freqs" }
func (freqs) units(n int) int    { return n }
func (freqs) local(*Tensor) bool { return false }
func (freqs) scratch() bool      { return false }

func (freqs) run(w *worker, t *Tensor, unit, _ int) {
	n := t.Ne[0]
	t.sum[unit] = w.plan.kern.Freqs(t.u32[unit*n:(unit+1)*n], t.src[0].f32[unit*n:(unit+1)*n])
}
