package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(func(c *compiler, _ *tensor, o ggml.OpGetRows) op { return newGetRows(c.table(o.Table)) })
}

type getRows struct {
	t   *ggml.Table
	per int // columns of a group
}

func newGetRows(t *ggml.Table) *getRows { return &getRows{t, t.Cols / t.Groups} }

func (o *getRows) work() work         { return byRows(o.t.Cols, o.t.Groups) }
func (o *getRows) local(*tensor) bool { return false }
func (o *getRows) scratch() bool      { return true }

func (o *getRows) run(w *worker, t *tensor, unit, n int) {
	at := unit * kernel.Rows
	width := min(kernel.Rows, o.per-at)
	dst, lane, group := t.f32, pad(o.t.Cols, kernel.Rows), 0
	if t.local {
		dst, lane, group = w.f32[t.offset:], kernel.Rows, n*kernel.Rows
	} else {
		dst = dst[at:]
	}
	for l, s := range t.src[0].i32[:n] {
		src := o.t.Values[int(s)*o.t.Cols+at:]
		to := dst[l*lane:]
		for g := range o.t.Groups {
			if width == kernel.Rows {
				*(*[kernel.Rows]float32)(to[g*group:]) = *(*[kernel.Rows]float32)(src[g*o.per:])
				continue
			}
			to := to[g*group:][:kernel.Rows]
			clear(to[copy(to, src[g*o.per:][:width]):])
		}
	}
}
