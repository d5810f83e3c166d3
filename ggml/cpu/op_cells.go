package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(func(c *compiler, t *tensor, o ggml.OpGRU) op { return newCell(c, t, o.State, c.b.kern.GRU) })
	register(func(c *compiler, t *tensor, o ggml.OpLSTM) op { return newCell(c, t, o.State, c.b.kern.LSTM) })
}

// cell updates the state of a recurrent cell from its two pre-activations. It is also
// the memory of that state.
type cell struct {
	update func(state []float32, q []int8, x, p []float32, n int)
	state  []float32 // [size/kernel.Block][columns][kernel.Block]
	// The activations that the last step has left, and those of this one.
	past, next *tensor
}

func newCell(c *compiler, t *tensor, s *ggml.State, update func([]float32, []int8, []float32, []float32, int)) op {
	t.i8 = c.activations(t)
	o := &cell{
		update: update,
		state:  alloc[float32](&c.mem, pad(s.Size, kernel.Block)*t.columns),
		past:   c.p.tensors[s.Past.Index()],
		next:   t,
	}
	c.p.keep = append(c.p.keep, o)
	return o
}

func (o *cell) work() work         { return byRows(o.next.Ne[0], 1) }
func (o *cell) local(*tensor) bool { return true }
func (o *cell) scratch() bool      { return false }
func (o *cell) updates()           {}

func (o *cell) run(w *worker, t *tensor, unit, n int) {
	at := unit * t.columns * kernel.Block
	x, p := w.f32[t.src[0].offset:], w.f32[t.src[1].offset:]
	o.update(o.state[at:], t.i8[at:], x, p, n*kernel.Block)
}

func (o *cell) reset() {
	clear(o.state)
	clear(o.past.i8)
	clear(o.next.i8)
}

// stepped makes what has been computed the past.
func (o *cell) stepped() { o.past.i8, o.next.i8 = o.next.i8, o.past.i8 }
