package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(func(c *compiler, t *tensor, _ ggml.OpFreqs) op {
		t.values = c.freqs(t)
		return freqs{}
	})
}

// freqs provides the memory of frequencies.
func (c *compiler) freqs(t *tensor) values {
	return values{u32: alloc[uint32](&c.mem, t.Ne[0]*t.columns), sum: alloc[uint32](&c.mem, t.columns)}
}

// The logits of a column must follow each other without padding.
var _ [0]struct{} = [16 % kernel.Rows]struct{}{}

type freqs struct{}

func (freqs) work() work         { return byColumns(1) }
func (freqs) local(*tensor) bool { return false }
func (freqs) scratch() bool      { return false }

func (freqs) run(w *worker, t *tensor, unit, _ int) {
	n := t.Ne[0]
	t.sum[unit] = w.p.kern.Freqs(t.u32[unit*n:(unit+1)*n], t.src[0].f32[unit*n:(unit+1)*n])
}
