package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// cache is the memory of a ggml.Cache. Keys are the rows of a matrix, values its
// columns, both packed for the kernel's products:
//
//	keys    [sequence][head][position/16] panels of 16 positions x size
//	values  [sequence][head][element/16] panels of 16 elements x positions
//
// with a power of two for each head of each position.
type cache struct {
	ggml.Cache
	kern                  *kernel.Kernel
	size                  int // elements of a head, padded
	positions             int // padded
	keys, values          []int8
	keyScales, valueScale []float32 // [sequence][head][position]
}

// cache returns the memory of g.
func (c *compiler) cache(g *ggml.Cache) *cache {
	if own := c.caches[g]; own != nil {
		return own
	}
	own := &cache{Cache: *g, kern: c.b.kern, size: pad(g.Size, kernel.Block), positions: pad(g.Positions, kernel.Block)}
	n := g.Sequences * g.Heads * own.positions
	own.keys, own.values = alloc[int8](&c.mem, n*own.size), alloc[int8](&c.mem, n*own.size)
	own.keyScales, own.valueScale = alloc[float32](&c.mem, n), alloc[float32](&c.mem, n)
	if c.caches == nil {
		c.caches = make(map[*ggml.Cache]*cache)
	}
	c.caches[g] = own
	return own
}

// at returns the number of a head of a sequence.
func (c *cache) at(sequence, head int) int { return sequence*c.Heads + head }

// head is a head's elements, padded with zeros.
type head [ggml.MaxHead]float32

// quantize rounds the head's elements to q by a power of two, which it returns.
func (h *head) quantize(k *kernel.Kernel, q []int8) float32 {
	x := h[:len(q)]
	e := kernel.Exponent(k.MaxAbs(x))
	k.RoundInt8s(q, x, kernel.Pow2(-e))
	return kernel.Pow2(e)
}

// store puts the key k and the value v at a position.
func (c *cache) store(w *worker, sequence, number, pos int, k, v *head) {
	q := w.q[:c.size]
	at, flip := c.at(sequence, number), int8(c.kern.Offset)
	c.keyScales[at*c.positions+pos] = k.quantize(c.kern, q)
	keys := c.keys[(at*c.positions+pos/kernel.Rows*kernel.Rows)*c.size+pos%kernel.Rows*4:]
	for i := 0; i < len(q); i += 4 {
		x, d := (*[4]int8)(q[i:]), (*[4]int8)(keys[i*kernel.Rows:])
		d[0], d[1], d[2], d[3] = x[0]^flip, x[1]^flip, x[2]^flip, x[3]^flip
	}
	c.valueScale[at*c.positions+pos] = v.quantize(c.kern, q)
	values := c.values[at*c.positions*c.size+pos/4*4*kernel.Rows+pos%4:]
	for i := 0; i < len(q); i += kernel.Rows {
		x, d := (*[kernel.Rows]int8)(q[i:]), values[i*c.positions:][:4*kernel.Rows-3]
		for j, y := range x {
			d[4*j] = y ^ flip
		}
	}
}

// rotate turns the pairs of a head's elements.
func rotate(r *ggml.Rotation, x []float32, pos int) {
	if r == nil {
		return
	}
	n := r.Dim / 2
	cos, sin := r.Cos[pos*n:(pos+1)*n], r.Sin[pos*n:(pos+1)*n]
	for i, c := range cos {
		a, b := 2*i, 2*i+1
		if r.Halves {
			a, b = i, i+n
		}
		u, v := x[a], x[b]
		x[a] = float32(u*c) - float32(v*sin[i])
		x[b] = float32(u*sin[i]) + float32(v*c)
	}
}
