package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(func(c *compiler, _ *tensor, o ggml.OpStore) op { return &store{c.cache(o.Cache), o.Rotation} })
	register(newAttention)
}

// store puts a head's key and value of a column into a cache.
type store struct {
	*cache
	rotation *ggml.Rotation
}

func (o *store) work() work         { return byColumns(o.Heads) }
func (o *store) local(*tensor) bool { return false }
func (o *store) scratch() bool      { return false }
func (o *store) updates()           {}

func (o *store) run(_ *worker, t *tensor, unit, _ int) {
	column, number := unit/o.Heads, unit%o.Heads
	seq, pos := int(t.src[2].i32[column]), int(t.src[3].i32[column])
	var k, v head
	copy(k[:o.Size], t.src[0].column(column)[number*o.Size:])
	copy(v[:o.Size], t.src[1].column(column)[number*o.Size:])
	rotate(o.rotation, k[:o.Size], pos)
	o.store(seq, number, pos, &k, &v)
}

// attention computes, for a column, the heads that share a head of keys and values.
type attention struct {
	*cache
	rotation *ggml.Rotation
	group    int // heads that share
	scale    float32
	full     float32 // attention weight of 1, as an integer
}

func newAttention(c *compiler, t *tensor, o ggml.OpAttention) op {
	a := &attention{cache: c.cache(o.Cache), rotation: o.Rotation, scale: o.Scale, group: o.Heads / o.Cache.Heads}
	a.full = float32(FullWeight(o.Cache.Positions))
	c.result(t)
	c.need(a.group*a.positions + 2*a.group*kernel.Rows + 2*a.group)
	c.needRow(a.positions + (a.group*(a.size+2*a.positions)+3)/4 + cacheLine)
	return a
}

// FullWeight returns the integer that stands for an attention weight of 1 among that
// many positions: at most 2^14-1, and so that no sum overflows.
func FullWeight(positions int) int { return min(1<<14-1, (1<<31-1)/(127*positions)) }

func (o *attention) work() work         { return byColumns(o.Heads) }
func (o *attention) local(*tensor) bool { return false }
func (o *attention) scratch() bool      { return false }

func (o *attention) run(w *worker, t *tensor, unit, _ int) {
	k := o.kern
	column, number := unit/o.Heads, unit%o.Heads
	seq, pos := int(t.src[2].i32[column]), int(t.src[3].i32[column])
	n := pos + 1
	panels := pad(n, kernel.Rows) / kernel.Rows
	at := o.at(seq, number)

	// The queries of the group are lanes of a product with the keys, its weights
	// two lanes each, of the high and the low bits, of one with the values.
	acc := w.acc
	products, acc := acc[:o.group*o.positions], acc[o.group*o.positions:]
	outs, acc := acc[:2*o.group*kernel.Rows], acc[2*o.group*kernel.Rows:]
	sums := acc[:2*o.group]
	s := w.row[:o.positions]
	bytes := int8s(w.row[pad(o.positions, cacheLine/4):])
	q, weights := bytes[:o.group*o.size], bytes[o.group*o.size:][:2*o.group*o.positions]

	var scale, total [ggml.MaxGroup]float32
	x := t.src[0].column(column)[number*o.group*o.Size:]
	for g := range o.group {
		scale[g] = float32(o.query(q[g*kernel.Block:], x[g*o.Size:][:o.Size], pos) * o.scale)
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
	y := t.column(column)[number*o.group*o.Size:]
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
func (o *attention) query(q []int8, x []float32, pos int) float32 {
	var v head
	rotate(o.rotation, v[:copy(v[:], x)], pos)
	if o.group == 1 {
		return v.quantize(o.kern, q[:o.size])
	}
	var buf [ggml.MaxHead]int8
	f := v.quantize(o.kern, buf[:o.size])
	for i := 0; i < o.size; i += kernel.Block {
		*(*[kernel.Block]int8)(q[i*o.group:]) = *(*[kernel.Block]int8)(buf[i:])
	}
	return f
}
