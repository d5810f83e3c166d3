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
	tile     int // columns at once, where they follow each other in a sequence
	scale    float32
	full     float32 // attention weight of 1, as an integer
}

// enoughHeads is the number of heads of keys from which on they are units enough for
// the threads; with fewer a unit is a head of queries.
const enoughHeads = 8

// tileLanes is the number of queries that read keys and values together: twice as
// many lanes, the widest product, meet the values.
const tileLanes = 8

func newAttention(c *compiler, t *tensor, o ggml.OpAttention) op {
	share := o.Heads / o.Cache.Heads
	a := &attention{cache: c.cache(o.Cache), rotation: o.Rotation, queries: o.Heads, share: share, group: share, scale: o.Scale}
	if o.Cache.Heads < enoughHeads {
		a.group = 1
	}
	a.tile = max(1, min(tileLanes/a.group, t.columns))
	a.q = c.heads(o.Q, o.Cache.Size, a.group)
	a.full = float32(FullWeight(o.Cache.Positions))
	c.result(t)
	lanes := a.group * a.tile
	c.need(lanes*a.positions + 2*lanes*kernel.Rows + 2*lanes)
	c.needRow(pad(a.q.memory(t.columns), cacheLine) + pad(a.positions, cacheLine) + (lanes*(a.size+2*a.positions)+3)/4 + cacheLine)
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
	seqs, positions := t.src[2].i32, t.src[3].i32
	for c := 0; c < n; {
		m := 1
		for m < o.tile && c+m < n && seqs[c+m] == seqs[c] && positions[c+m] == positions[c]+int32(m) {
			m++
		}
		o.attend(w, t, unit, c, m, at)
		c += m
	}
}

// attend computes a group of heads of m columns from c on, whose positions follow
// each other in a sequence. The queries of each column begin at place at.
func (o *attention) attend(w *worker, t *tensor, unit, c, m, at int) {
	k := o.kern
	first := int(t.src[3].i32[c]) + 1 // positions that the first column sees
	panels := pad(first+m-1, kernel.Rows) / kernel.Rows
	head := o.at(int(t.src[2].i32[c]), unit*o.group/o.share)

	// The queries are lanes of a product with the keys, their weights two lanes each,
	// of the high and the low bits, of one with the values.
	lanes := o.group * m
	products, acc := w.acc[:lanes*o.positions], w.acc[lanes*o.positions:]
	outs, acc := acc[:2*lanes*kernel.Rows], acc[2*lanes*kernel.Rows:]
	sums := acc[:2*lanes]
	row := w.row[pad(o.q.memory(t.columns), cacheLine):]
	s := row[:o.positions]
	bytes := int8s(row[pad(o.positions, cacheLine):])
	q, weights := bytes[:lanes*o.size], bytes[lanes*o.size:][:2*lanes*o.positions]

	var scale, total [max(ggml.MaxGroup, tileLanes)]float32
	for l := range lanes {
		x := w.row[(c+l/o.group)*o.q.width+at+l%o.group*o.Size:][:o.Size]
		scale[l] = float32(o.query(w, q[l*kernel.Block:], x, first-1+l/o.group, lanes) * o.scale)
	}
	keys := o.keys[head*o.positions*o.size:]
	if k.Sums != nil {
		k.Sums(sums, q, lanes, lanes, o.size/kernel.Block)
	}
	k.MatMul(products, keys[:panels*kernel.Rows*o.size], q, sums, panels, lanes, lanes, o.size/kernel.Block)

	keyScales, valueScales := o.keyScales[head*o.positions:][:o.positions], o.valueScale[head*o.positions:][:o.positions]
	top, seen := float32(0), 0
	for l := range lanes {
		n := first + l/o.group
		if n > seen {
			top, seen = max(top, k.Max(valueScales[seen:n])), n
		}
		best := k.Scores(s, products[l*kernel.Rows:], keyScales, scale[l], n, lanes*kernel.Rows)
		sum := k.Weights(weights[2*l*kernel.Block:], s, valueScales, best, float32(o.full/top), o.full, n, 2*lanes*kernel.Block)
		for b := pad(n, kernel.Block) / kernel.Block; b < panels; b++ {
			clear(weights[2*(b*lanes+l)*kernel.Block:][:2*kernel.Block])
		}
		total[l] = float32(top * kernel.Recip32(float32(sum)))
	}
	if k.Sums != nil {
		k.Sums(sums, weights, 2*lanes, 2*lanes, panels)
	}
	values := o.values[head*o.positions*o.size:]
	for e := 0; e < o.Size; e += kernel.Rows {
		k.MatMul(outs, values[e*o.positions:][:panels*kernel.Block*kernel.Rows], weights, sums, 1, 2*lanes, 2*lanes, panels)
		for l := range lanes {
			y := t.column(c + l/o.group)[(unit*o.group+l%o.group)*o.Size+e:]
			hi, lo := outs[2*l*kernel.Rows:], outs[(2*l+1)*kernel.Rows:]
			for i := range min(kernel.Rows, o.Size-e) {
				y[i] = float32(float32(hi[i]<<7+lo[i]) * total[l])
			}
		}
	}
}

// query rotates and quantises a query as one of so many lanes, and returns its power
// of two.
func (o *attention) query(w *worker, q []int8, x []float32, pos, lanes int) float32 {
	v := &w.heads[0]
	clear(v[copy(v[:], x):])
	rotate(o.rotation, v[:len(x)], pos)
	if lanes == 1 {
		return v.quantize(o.kern, q[:o.size])
	}
	f := v.quantize(o.kern, w.q[:o.size])
	for i := 0; i < o.size; i += kernel.Block {
		*(*[kernel.Block]int8)(q[i*lanes:]) = *(*[kernel.Block]int8)(w.q[i:])
	}
	return f
}
