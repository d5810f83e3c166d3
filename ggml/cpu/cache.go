package cpu

import (
	"math"

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

// store puts the key k and the value v at a position.
func (c *cache) store(sequence, head, pos int, k, v []float32) {
	at, flip := c.at(sequence, head), int8(c.kern.Offset)
	f := c.scale(c.keyScales, at, pos, k)
	keys := c.keys[(at*c.positions+pos/kernel.Rows*kernel.Rows)*c.size+pos%kernel.Rows*4:]
	for i, x := range k {
		keys[i/4*4*kernel.Rows+i%4] = kernel.RoundInt8(float32(x*f)) ^ flip
	}
	f = c.scale(c.valueScale, at, pos, v)
	values := c.values[at*c.positions*c.size+pos/4*4*kernel.Rows+pos%4:]
	for i, x := range v {
		values[i/kernel.Rows*kernel.Rows*c.positions+i%kernel.Rows*4] = kernel.RoundInt8(float32(x*f)) ^ flip
	}
}

// scale notes the power of two of x and returns its inverse.
func (c *cache) scale(scales []float32, at, pos int, x []float32) float32 {
	e := kernel.Exponent(absMax(x))
	scales[at*c.positions+pos] = kernel.Pow2(e)
	return kernel.Pow2(-e)
}

func absMax(x []float32) float32 {
	var m uint32
	for _, v := range x {
		m = max(m, math.Float32bits(v)&^(1<<31))
	}
	return math.Float32frombits(m)
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
