package cpu

import (
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func init() {
	register(newMulMatMX)
	register(newEmbed)
	register(newNorm)
	register(func(c *compiler, t *tensor, o ggml.OpGELU) op {
		return c.quantizer(t, &gelu{padded(o.Factor, pad(t.Ne[0], kernel.Rows))})
	})
	register(func(c *compiler, t *tensor, _ ggml.OpSwiGLU) op { return c.quantizer(t, swiglu{}) })
	register(func(c *compiler, t *tensor, _ ggml.OpQuantize) op { return c.quantizer(t, plain{}) })
}

// mx is what block-scaled activations have beside their int8 values, which are
// ordered [ne0/kernel.Block][lanes][kernel.Block].
type mx struct {
	lanes  int       // room for columns
	shifts []uint32  // [group][lanes]
	base   []float32 // by column
	sums   []int32   // by column, see kernel.Transformer.QuantizeMX
	top    int       // the greatest shift
}

// oddLines returns the least number of elements, of which per are a cache line, that
// is not under n and an odd number of lines: elements that far apart do not crowd
// into few sets of a cache.
func oddLines(n, per int) int {
	n = pad(n, per)
	if n/per%2 == 0 {
		n += per
	}
	return n
}

// activationsMX provides the memory of block-scaled activations.
func (c *compiler) activationsMX(t *tensor) {
	lanes := oddLines(t.columns, cacheLine/kernel.Block)
	t.i8 = alloc[int8](&c.mem, pad(t.Ne[0], align)*lanes)
	t.mx = mx{
		lanes:  lanes,
		shifts: alloc[uint32](&c.mem, pad(t.Ne[0], align)/kernel.Group*lanes),
		base:   alloc[float32](&c.mem, t.columns),
		sums:   alloc[int32](&c.mem, t.columns),
		top:    ggml.MXShift(t.Ne[0]),
	}
}

// quantize makes the activations of a column from x, which is padded to whole groups.
func (t *tensor) quantize(k *kernel.Kernel, x []float32, column int) {
	m := &t.mx
	m.base[column], m.sums[column] = k.QuantizeMX(t.i8[column*kernel.Block:], m.shifts[column:], x, m.lanes, pad(t.Ne[0], align)/kernel.Group, m.top)
}

// padded returns x with zeros up to n elements.
func padded(x []float32, n int) []float32 {
	p := aligned[float32](n)
	copy(p, x)
	return p
}

// result provides the memory of an F32 result that is kept as a whole.
func (c *compiler) result(t *tensor) {
	t.row = oddLines(t.Ne[0], kernel.Rows)
	t.f32 = alloc[float32](&c.mem, t.row*t.columns)
}

// column returns the elements of a column of F32, padded to kernel.Rows.
func (t *tensor) column(i int) []float32 {
	return t.f32[i*t.row:][:pad(t.Ne[0], kernel.Rows)]
}

// mulMatMX multiplies a matrix with block-scaled activations, and adds what it is
// given as a second source.
type mulMatMX struct {
	m   *packed
	per int // panels of a unit
}

// A unit is several panels where there are many: less to meet for, and what is
// fetched ahead of a panel is of the same thread.
func newMulMatMX(c *compiler, t *tensor, o ggml.OpMulMatMX) op {
	c.need(t.columns * kernel.Rows)
	c.result(t)
	m := c.matrix(o.Matrix)
	return &mulMatMX{m, min(max(m.panels()/64, 2), 4)}
}

func (o *mulMatMX) work() work         { return work{units: (o.m.panels() + o.per - 1) / o.per} }
func (o *mulMatMX) local(*tensor) bool { return false }
func (o *mulMatMX) scratch() bool      { return false }

func (o *mulMatMX) run(w *worker, t *tensor, unit, n int) {
	for p := unit * o.per; p < min((unit+1)*o.per, o.m.panels()); p++ {
		o.panel(w, t, p, n)
	}
}

// productMX multiplies a panel with the first n columns of a, into w.acc.
func (m *packed) productMX(w *worker, a *tensor, p, n int) {
	m.kern.MatMulMX(w.acc, m.w[p*m.panel:(p+1)*m.panel], a.i8, a.mx.shifts, a.mx.sums, 1, n, a.mx.lanes, m.blocks*kernel.Block/kernel.Group)
}

func (o *mulMatMX) panel(w *worker, t *tensor, p, n int) {
	m, a := o.m, t.src[0]
	k, row := m.kern, p*kernel.Rows
	m.productMX(w, a, p, n)
	dst := t.f32[row:]
	if len(t.src) == 1 {
		k.DequantMX(dst, w.acc, m.scale[row:], m.bias[row:], a.mx.base, n, t.row)
		return
	}
	src := t.src[1]
	for l := range n {
		*(*[kernel.Rows]float32)(dst[l*t.row:]) = *(*[kernel.Rows]float32)(src.f32[row+l*src.row:])
	}
	k.AddMX(dst, w.acc, m.scale[row:], m.bias[row:], a.mx.base, n, t.row)
}

// embed looks up rows of a packed matrix.
type embed struct {
	m         *packed
	factor    []float32
	positions *ggml.Table
}

func newEmbed(c *compiler, t *tensor, o ggml.OpEmbed) op {
	c.result(t)
	e := &embed{m: c.matrix(o.Matrix), factor: o.Factor}
	if o.Positions != nil {
		e.positions = c.table(o.Positions)
	}
	return e
}

func (o *embed) work() work         { return byColumns(1) }
func (o *embed) local(*tensor) bool { return false }
func (o *embed) scratch() bool      { return false }

func (o *embed) run(_ *worker, t *tensor, unit, _ int) {
	m, token := o.m, int(t.src[0].i32[unit])
	panel := m.w[token/kernel.Rows*m.panel:]
	at, scale := token%kernel.Rows*4, m.scale[token]
	x, flip := t.column(unit), int8(m.kern.Offset)
	for c := range m.cols {
		x[c] = float32(float32(panel[c/4*4*kernel.Rows+at+c%4]^flip)*scale) * o.factor[c]
	}
	if o.positions == nil {
		return
	}
	for c, p := range o.positions.Values[int(t.src[1].i32[unit])*m.cols:][:m.cols] {
		x[c] += p
	}
}

// quantizer makes block-scaled activations of a column by a function of it.
type quantizer struct {
	columnFunc
	size int // of the column, in whole groups
}

// columnFunc writes its result for a column to x, whose elements beyond the column's
// own are zeros.
type columnFunc interface {
	compute(k *kernel.Kernel, x []float32, t *tensor, column int)
}

func (c *compiler) quantizer(t *tensor, f columnFunc) op {
	c.activationsMX(t)
	n := pad(t.Ne[0], align)
	c.needRow(n)
	return &quantizer{f, n}
}

func (o *quantizer) work() work         { return byColumns(1) }
func (o *quantizer) local(*tensor) bool { return true }
func (o *quantizer) scratch() bool      { return false }

func (o *quantizer) run(w *worker, t *tensor, unit, _ int) {
	x := w.row[:o.size]
	clear(x[t.Ne[0]:])
	o.compute(w.p.kern, x, t, unit)
	t.quantize(w.p.kern, x, unit)
}

type plain struct{}

func (plain) compute(_ *kernel.Kernel, x []float32, t *tensor, column int) {
	copy(x, t.src[0].column(column)[:t.Ne[0]])
}

type gelu struct{ factor []float32 }

func (o *gelu) compute(k *kernel.Kernel, x []float32, t *tensor, column int) {
	n := copy(x, t.src[0].column(column))
	k.GELU(x[:n], o.factor)
}

type swiglu struct{}

func (swiglu) compute(k *kernel.Kernel, x []float32, t *tensor, column int) {
	n := copy(x, t.src[0].column(column))
	k.SwiGLU(x[:n], t.src[1].column(column))
}

type norm struct {
	ggml.Norm
	inverse float32 // 1 / number of elements
}

func newNorm(c *compiler, t *tensor, o ggml.OpNorm) op {
	return c.quantizer(t, &norm{o.Norm, 1 / float32(t.Ne[0])})
}

func (o *norm) compute(k *kernel.Kernel, x []float32, t *tensor, column int) {
	v := t.src[0].column(column)
	var mean float32
	if !o.RMS {
		mean = float32(k.Sum(v) * o.inverse)
	}
	s := float32(k.SumSquares(v, mean) * o.inverse)
	k.Affine(x[:len(v)], v, o.Gain, o.Bias, mean, kernel.Rsqrt32(s+o.Epsilon))
}
