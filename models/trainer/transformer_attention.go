package trainer

import (
	"math"

	"github.com/llmz/llmz/ggml/sgemm"
	"github.com/llmz/llmz/models/trainer/vec"
)

// queryBlock is how many queries are attended to at once; of the keys, those up to the
// last of them are looked at.
const queryBlock = 128

// attentionScratch is what a worker needs for one head of one sequence at a time.
type attentionScratch struct {
	scores, grads  []float32 // [queryBlock][context]
	keysT, keys    sgemm.Packed
	values, valueT sgemm.Packed
	left, right    sgemm.Packed
	delta          []float32 // [queryBlock]
}

// A headView is where a head's part of the rows of a sequence is.
type headView struct {
	q, k, v int // offsets in a row of qkv
	out     int // offset in a row of what is attended to
	head    int // of queries
}

// eachHead calls f for each head of each sequence, with the first row of the sequence.
func (w *worker) eachHead(f func(row int, h headView)) {
	s := w.n.shape
	size := s.head()
	for row := 0; row < w.rows; row += s.Context {
		for h := range s.Heads {
			kv := h / (s.Heads / s.KVHeads)
			f(row, headView{q: h * size, k: (s.Heads + kv) * size, v: (s.Heads + s.KVHeads + kv) * size, out: h * size, head: h})
		}
	}
}

// part is the view of rows from first on, and columns from col on, of rows of width.
func part(x []float32, width, first, col, rows, cols int) sgemm.Matrix {
	return sgemm.Matrix{Data: x[first*width+col:], Rows: rows, Cols: cols, Stride: width}
}

// columns computes the columns of a product up to n, in whole panels.
func columns(k *sgemm.Kernel, c sgemm.Matrix, alpha float32, a, b *sgemm.Packed, n int) {
	for p := range min(b.Panels(), (n+sgemm.PanelWidth-1)/sgemm.PanelWidth) {
		k.MulPanel(c, alpha, a, b, 0, p)
	}
}

// masked is what is written to scores that must not count.
const masked = -1e30

// up8 rounds up to what the vector kernels take.
func up8(n int) int { return (n + 7) &^ 7 }

// attend computes what each row attends to, and keeps the sums of the exponentials.
func (w *worker) attend(a *activations) {
	s, k, t := w.n.shape, w.n.kernel, &w.attention
	length, size, width := s.Context, s.head(), s.qkv()
	if t.scores == nil {
		t.scores, t.grads = make([]float32, queryBlock*length), make([]float32, queryBlock*length)
		t.delta = make([]float32, queryBlock)
	}
	scale := float32(1 / math.Sqrt(float64(size)))
	w.eachHead(func(row int, h headView) {
		k.PackRight(&t.keysT, part(a.qkv, width, row, h.k, length, size).T(), 1)
		k.PackRight(&t.values, part(a.qkv, width, row, h.v, length, size), 1)
		for from := 0; from < length; from += queryBlock {
			to := min(length, from+queryBlock)
			rows := to - from
			k.PackLeft(&t.left, part(a.qkv, width, row+from, h.q, rows, size), 1)
			columns(k, sgemm.Dense(t.scores, rows, length), scale, &t.left, &t.keysT, to)
			var inverse [queryBlock]float32
			for i := range rows {
				scores, seen := t.scores[i*length:][:to], from+i+1
				for j := seen; j < up8(seen); j++ {
					scores[j] = masked
				}
				most := vec.Max(scores[:up8(seen)])
				sum := vec.Exp(scores[:up8(seen)], most)
				clear(scores[seen:])
				inverse[i] = 1 / sum
				a.lse[(row+from+i)*s.Heads+h.head] = most + float32(math.Log(float64(sum)))
			}
			k.PackLeft(&t.left, part(t.scores, length, 0, 0, rows, to), 1)
			values := t.values.Prefix(to)
			k.Mul(part(a.attended, s.Hidden, row+from, h.out, rows, size), 1, &t.left, &values, 0, 1)
			for i := range rows {
				vec.Scale(a.attended[(row+from+i)*s.Hidden+h.out:][:size], inverse[i])
			}
		}
	})
}

// attendBackward computes dqkv from datt, the gradient of what is attended to.
func (w *worker) attendBackward(a *activations) {
	s, k, t := w.n.shape, w.n.kernel, &w.attention
	length, size, width := s.Context, s.head(), s.qkv()
	scale := float32(1 / math.Sqrt(float64(size)))
	clear(w.dqkv[:w.rows*width]) // keys and values add up over queries
	w.eachHead(func(row int, h headView) {
		k.PackRight(&t.keysT, part(a.qkv, width, row, h.k, length, size).T(), 1)
		k.PackRight(&t.keys, part(a.qkv, width, row, h.k, length, size), 1)
		k.PackRight(&t.valueT, part(a.qkv, width, row, h.v, length, size).T(), 1)
		for from := 0; from < length; from += queryBlock {
			to := min(length, from+queryBlock)
			rows := to - from
			queries := part(a.qkv, width, row+from, h.q, rows, size)
			above := part(w.datt, s.Hidden, row+from, h.out, rows, size)
			k.PackLeft(&t.left, queries, 1)
			columns(k, sgemm.Dense(t.scores, rows, length), scale, &t.left, &t.keysT, to)
			k.PackLeft(&t.left, above, 1)
			columns(k, sgemm.Dense(t.grads, rows, length), 1, &t.left, &t.valueT, to)
			for i := range rows {
				scores, seen := t.scores[i*length:][:to], from+i+1
				for j := seen; j < up8(seen); j++ {
					scores[j] = masked
				}
				r := row + from + i
				vec.Exp(scores[:up8(seen)], a.lse[r*s.Heads+h.head])
				clear(scores[seen:])
				t.delta[i] = vec.Dot(w.datt[r*s.Hidden+h.out:][:size], a.attended[r*s.Hidden+h.out:][:size])
			}
			k.PackLeft(&t.left, part(t.scores, length, 0, 0, rows, to).T(), 1)
			k.PackRight(&t.right, above, 1)
			k.Mul(part(w.dqkv, width, row, h.v, to, size), 1, &t.left, &t.right, 1, 1)
			for i := range rows {
				vec.SoftmaxBackward(t.scores[i*length:][:to], t.grads[i*length:][:to], t.delta[i], scale)
			}
			grads := part(t.grads, length, 0, 0, rows, to)
			k.PackLeft(&t.left, grads, 1)
			keys := t.keys.Prefix(to)
			k.Mul(part(w.dqkv, width, row+from, h.q, rows, size), 1, &t.left, &keys, 0, 1)
			k.PackLeft(&t.left, grads.T(), 1)
			k.PackRight(&t.right, queries, 1)
			k.Mul(part(w.dqkv, width, row, h.k, to, size), 1, &t.left, &t.right, 1, 1)
		}
	})
}
