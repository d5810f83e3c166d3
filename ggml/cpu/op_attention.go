package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(newStore)
	register(newAttention)
}

// heads computes some heads of a product for all columns: what follows for a head
// needs only these rows, and finds them in the thread's own memory.
type heads struct {
	m     *packed
	size  int // elements of a head
	count int // heads at once
	width int // distance of columns in the result
}

func (c *compiler) heads(m *ggml.Matrix, size, count int) heads {
	c.need(c.p.columns * kernel.Rows)
	return heads{c.matrix(m), size, count, oddLines(size*count+2*kernel.Rows, kernel.Rows)}
}

// memory returns the elements that compute needs.
func (h *heads) memory(columns int) int { return h.width * columns }

// compute writes count heads from number on to dst, and returns the place of the
// first one's elements in each column.
func (h *heads) compute(w *worker, dst []float32, a *tensor, number, n int) (at int) {
	first := number * h.size
	from := first / kernel.Rows
	for p := from; p*kernel.Rows < first+h.count*h.size; p++ {
		h.m.productMX(w, a, p, n)
		row := p * kernel.Rows
		h.m.kern.DequantMX(dst[(p-from)*kernel.Rows:], w.acc, h.m.scale[row:], h.m.bias[row:], a.mx.base, n, h.width)
	}
	return first - from*kernel.Rows
}

// store puts a head's keys and values of all columns into a cache.
type store struct {
	*cache
	rotation *ggml.Rotation
	k, v     heads
}

func newStore(c *compiler, t *tensor, o ggml.OpStore) op {
	s := &store{c.cache(o.Cache), o.Rotation, c.heads(o.K, o.Cache.Size, 1), c.heads(o.V, o.Cache.Size, 1)}
	c.needRow(s.k.memory(t.columns) + s.v.memory(t.columns))
	return s
}

func (o *store) work() work         { return work{units: o.Heads} }
func (o *store) local(*tensor) bool { return false }
func (o *store) scratch() bool      { return false }
func (o *store) updates()           {}

func (o *store) run(w *worker, t *tensor, unit, n int) {
	keys := w.row
	values := w.row[o.k.memory(t.columns):]
	ka := o.k.compute(w, keys, t.src[0], unit, n)
	va := o.v.compute(w, values, t.src[0], unit, n)
	k, v := &w.heads[0], &w.heads[1]
	clear(k[o.Size:])
	clear(v[o.Size:])
	for c := range n {
		seq, pos := int(t.src[1].i32[c]), int(t.src[2].i32[c])
		copy(k[:o.Size], keys[c*o.k.width+ka:])
		copy(v[:o.Size], values[c*o.v.width+va:])
		rotate(o.rotation, k[:o.Size], pos)
		o.store(w, seq, unit, pos, k, v)
	}
}

// attention computes heads that share a head of keys and values, for all columns.
type attention struct {
	*cache
	rotation *ggml.Rotation
	q        heads
	queries  int // heads of queries
	group    int // those that share, and that a unit computes
	share    int // heads of queries for a head of keys
	scale    float32
	full     float32 // attention weight of 1, as an integer
}

// enoughHeads is the number of heads of keys from which on they are units enough for
// the threads; with fewer a unit is a head of queries.
const enoughHeads = 8

func newAttention(c *compiler, t *tensor, o ggml.OpAttention) op {
	share := o.Heads / o.Cache.Heads
	a := &attention{cache: c.cache(o.Cache), rotation: o.Rotation, queries: o.Heads, share: share, group: share, scale: o.Scale}
	if o.Cache.Heads < enoughHeads {
		a.group = 1
	}
	a.q = c.heads(o.Q, o.Cache.Size, a.group)
	a.full = float32(FullWeight(o.Cache.Positions))
	c.result(t)
	c.need(a.group*a.positions + 2*a.group*kernel.Rows + 2*a.group)
	c.needRow(pad(a.q.memory(t.columns), cacheLine) + pad(a.positions, cacheLine) + (a.group*(a.size+2*a.positions)+3)/4 + cacheLine)
	return a
}

// FullWeight returns the integer that stands for an attention weight of 1 among that
// many positions: at most 2^14-1, and so that no sum overflows.
func FullWeight(positions int) int { return min(1<<14-1, (1<<31-1)/(127*positions)) }

func (o *attention) work() work         { return work{units: o.queries / o.group} }
func (o *attention) local(*tensor) bool { return false }
func (o *attention) scratch() bool      { return false }

func (o *attention) run(w *worker, t *tensor, unit, n int) {
	at := o.q.compute(w, w.row, t.src[0], unit*o.group, n)
	row := w.row[pad(o.q.memory(t.columns), cacheLine):]
	for c := range n {
		y := t.column(c)[unit*o.group*o.Size:]
		o.attend(w, row, w.row[c*o.q.width+at:], y, unit*o.group/o.share, int(t.src[2].i32[c]), int(t.src[3].i32[c]))
	}
}

// attend computes a group of heads of a column into y from their queries x. row is
// memory.
func (o *attention) attend(w *worker, row, x, y []float32, number, seq, pos int) {
	k := o.kern
	n := pos + 1
	panels := pad(n, kernel.Rows) / kernel.Rows
	at := o.at(seq, number)

	// The queries of the group are lanes of a product with the keys, its weights
	// two lanes each, of the high and the low bits, of one with the values.
	products, acc := w.acc[:o.group*o.positions], w.acc[o.group*o.positions:]
	outs, acc := acc[:2*o.group*kernel.Rows], acc[2*o.group*kernel.Rows:]
	sums := acc[:2*o.group]
	s := row[:o.positions]
	bytes := int8s(row[pad(o.positions, cacheLine):])
	q, weights := bytes[:o.group*o.size], bytes[o.group*o.size:][:2*o.group*o.positions]

	var scale, total [ggml.MaxGroup]float32
	for g := range o.group {
		scale[g] = float32(o.query(w, q[g*kernel.Block:], x[g*o.Size:][:o.Size], pos) * o.scale)
	}
	keys := o.keys[at*o.positions*o.size:]
	if k.Sums != nil {
		k.Sums(sums, q, o.group, o.group, o.size/kernel.Block)
	}
	k.MatMul(products, keys[:panels*kernel.Rows*o.size], q, sums, panels, o.group, o.group, o.size/kernel.Block)

	keyScales, valueScales := o.keyScales[at*o.positions:][:o.positions], o.valueScale[at*o.positions:][:o.positions]
	top := k.Max(valueScales[:n])
	full := float32(o.full / top)
	for g := range o.group {
		m := k.Scores(s, products[g*kernel.Rows:], keyScales, scale[g], n, o.group*kernel.Rows)
		sum := k.Weights(weights[2*g*kernel.Block:], s, valueScales, m, full, o.full, n, 2*o.group*kernel.Block)
		total[g] = float32(top * kernel.Recip32(float32(sum)))
	}
	if k.Sums != nil {
		k.Sums(sums, weights, 2*o.group, 2*o.group, panels)
	}
	values := o.values[at*o.positions*o.size:]
	for e := 0; e < o.Size; e += kernel.Rows {
		k.MatMul(outs, values[e*o.positions:][:panels*kernel.Block*kernel.Rows], weights, sums, 1, 2*o.group, 2*o.group, panels)
		for g := range o.group {
			hi, lo := outs[2*g*kernel.Rows:], outs[(2*g+1)*kernel.Rows:]
			for i := range min(kernel.Rows, o.Size-e) {
				y[g*o.Size+e+i] = float32(float32(hi[i]<<7+lo[i]) * total[g])
			}
		}
	}
}

// query rotates and quantises a query as a lane of a group, and returns its power of
// two.
func (o *attention) query(w *worker, q []int8, x []float32, pos int) float32 {
	v := &w.heads[0]
	clear(v[copy(v[:], x):])
	rotate(o.rotation, v[:len(x)], pos)
	if o.group == 1 {
		return v.quantize(o.kern, q[:o.size])
	}
	f := v.quantize(o.kern, w.q[:o.size])
	for i := 0; i < o.size; i += kernel.Block {
		*(*[kernel.Block]int8)(q[i*o.group:]) = *(*[kernel.Block]int8)(w.q[i:])
	}
	return f
}
