package cpu

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// tensor is the back end's side of a tensor.
type tensor struct {
	*ggml.Tensor
	op      op // nil for inputs and the past
	src     []*tensor
	columns int // the largest number
	// local tells that the data lives in each worker's scratch memory, a unit at a
	// time, ordered [group][column][kernel.Rows].
	local  bool
	offset int // of local data in the scratch memory, in elements
	stage  int // in which it is computed, -1 for inputs and the past

	i32 []int32 // numbers by column
	i8  []int8  // activations, [ne0/kernel.Block][columns][kernel.Block]
	mx  mx      // what else block-scaled activations have
	row int     // distance of columns in f32
	values
	last values // of the step before, while one is under way: see ggml.CompileOptions.Ahead
}

// values are what a step computes of a tensor that is kept as a whole.
type values struct {
	f32 []float32 // [column][row]
	u32 []uint32  // frequencies, [column][ne0]
	sum []uint32  // total frequency by column
}

// compiler makes a program of a graph, or finds out how large it would be.
type compiler struct {
	b       *Backend
	p       *program
	mem     memory
	weights map[any]int64 // bytes by matrix and table
	sums    map[*tensor]bool
	caches  map[*ggml.Cache]*cache
	acc     int // int32s that an op needs for itself while it computes a unit
	row     int // float32s, likewise
	scratch int // elements of local tensors
	err     error
}

// fail notes why the graph cannot be compiled.
func (c *compiler) fail(format string, a ...any) {
	c.err = errors.Join(c.err, fmt.Errorf("ggml: cpu: "+format, a...))
}

func (b *Backend) compile(g *ggml.Graph, o ggml.CompileOptions, dry bool) (*compiler, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	c := &compiler{
		b:       b,
		p:       &program{kern: b.kern, columns: g.Columns()},
		mem:     memory{dry: dry},
		weights: make(map[any]int64),
		sums:    make(map[*tensor]bool),
	}
	for _, t := range g.Tensors() {
		c.add(t)
	}
	for _, s := range c.p.stages {
		if n := s[0].op.work().count(g.Columns()); n > maxChunks {
			c.fail("%s has %d units of work, over %d", s[0].Op.Name(), n, maxChunks)
		}
	}
	if c.err == nil {
		c.place(o.Ahead)
	}
	if c.err != nil {
		return nil, fmt.Errorf("%w: %w", ggml.ErrGraph, c.err)
	}
	c.start(max(o.Threads, 1))
	return c, nil
}

// add makes the back end's side of t and puts it into a stage.
func (c *compiler) add(g *ggml.Tensor) {
	t := &tensor{Tensor: g, columns: c.p.columns, stage: -1}
	c.p.tensors = append(c.p.tensors, t)
	for _, s := range g.Src {
		t.src = append(t.src, c.p.tensors[s.Index()])
	}
	if g.Op == nil {
		switch g.Type {
		case ggml.I32:
			t.i32 = alloc[int32](&c.mem, t.columns)
		case ggml.I8:
			t.i8 = c.activations(t)
		}
		return
	}
	build := builders[reflect.TypeOf(g.Op)]
	if build == nil {
		c.fail("no code for %s", g.Op.Name())
		return
	}
	if t.op = build(c, t); t.op != nil {
		c.stage(t)
	}
}

// stage appends t to the last stage if all it needs is there when a unit reaches
// it, and to a new stage otherwise.
func (c *compiler) stage(t *tensor) {
	p := c.p
	last := len(p.stages) - 1
	ok := last >= 0 && p.stages[last][0].op.work() == t.op.work()
	for _, s := range t.src {
		if s.stage == last && !t.op.local(s) {
			ok = false
		}
	}
	if !ok {
		p.stages = append(p.stages, nil)
		last++
	}
	p.stages[last] = append(p.stages[last], t)
	t.stage = last
}

// place decides where each result lives that an op has not placed itself, and finds room for
// those to be kept while the next step is under way.
func (c *compiler) place(ahead bool) {
	users := make(map[*tensor][]*tensor)
	for _, t := range c.p.tensors {
		for _, s := range t.src {
			users[s] = append(users[s], t)
		}
	}
	for _, t := range c.p.tensors {
		if t.op == nil || !t.op.scratch() {
			continue
		}
		t.local = len(users[t]) > 0
		for _, u := range users[t] {
			if u.stage != t.stage || !u.op.local(t) {
				t.local = false
			}
		}
		if t.local {
			t.offset = c.scratch
			c.scratch += t.Groups * t.columns * kernel.Rows
			continue
		}
		if t.Groups > 1 {
			c.fail("the result of %s has %d groups and is used as a whole", t.Op.Name(), t.Groups)
		}
		t.row = pad(t.Ne[0], kernel.Rows)
		t.f32 = alloc[float32](&c.mem, t.row*t.columns)
	}
	for _, t := range c.p.tensors {
		if !ahead || t.op == nil || len(users[t]) > 0 {
			continue
		}
		if _, ok := t.Op.(ggml.OpFreqs); ok {
			t.last = c.freqs(t)
		} else if t.row > 0 {
			t.last.f32 = alloc[float32](&c.mem, t.row*t.columns)
		}
		c.p.results = append(c.p.results, t)
	}
}

// matrix returns the packed form of m; without weights, if only sizes are wanted.
func (c *compiler) matrix(m *ggml.Matrix) *packed {
	p := newPacked(c.b.kern, m)
	c.weights[m] = p.bytes()
	if c.mem.dry {
		return p
	}
	p, err := c.b.matrix(m)
	if err != nil {
		c.fail("%w", err)
	}
	return p
}

// activations returns memory for the int8 activations of t.
func (c *compiler) activations(t *tensor) []int8 {
	return alloc[int8](&c.mem, pad(t.Ne[0], align)*t.columns)
}

// table counts the memory of t.
func (c *compiler) table(t *ggml.Table) *ggml.Table {
	c.weights[t] = t.Bytes()
	return t
}

func (c *compiler) weightBytes() (n int64) {
	for _, b := range c.weights {
		n += b
	}
	return n
}

// needRow provides for n float32s in worker.row.
func (c *compiler) needRow(n int) { c.row = max(c.row, n) }

// need provides for n int32s in worker.acc.
func (c *compiler) need(n int) { c.acc = max(c.acc, n) }

// needSums provides for worker.sumsOf(t), where the kernel wants sums.
func (c *compiler) needSums(t *tensor) {
	if c.b.kern.Sums != nil {
		c.sums[t] = true
	}
}

// start makes the workers and their memory.
func (c *compiler) start(threads int) {
	for range threads {
		w := &worker{
			p:      c.p,
			acc:    alloc[int32](&c.mem, c.acc),
			f32:    alloc[float32](&c.mem, c.scratch),
			row:    alloc[float32](&c.mem, c.row),
			sums:   make([][]int32, len(c.p.tensors)),
			summed: make([]uint64, len(c.p.tensors)),
		}
		for i, t := range c.p.tensors {
			if c.sums[t] {
				w.sums[i] = alloc[int32](&c.mem, pad(c.p.columns, kernel.Rows))
			}
		}
		c.p.workers = append(c.p.workers, w)
	}
	if !c.mem.dry {
		c.p.bytes = c.mem.bytes
		c.p.pool = NewPool(threads)
	}
}
