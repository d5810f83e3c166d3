package cpu

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

func randomWeights(r *rand.Rand, n int) []int8 {
	v := make([]int8, n)
	for i := range v {
		v[i] = int8(r.IntN(255) - 127)
	}
	return v
}

func randomFloats(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.Float64()*2 - 1)
	}
	return v
}

// eachKernel runs f with every kernel that this machine can run.
func eachKernel(t *testing.T, f func(t *testing.T, k *kernel.Kernel)) {
	for _, name := range Kernels() {
		k, err := findKernel(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { f(t, k) })
	}
}

// TestBegin compares steps that are begun and ended with whole ones, and asks for the results of
// the step before while one is under way.
func TestBegin(t *testing.T) {
	const lanes, vocab, hidden, alphabet, steps = 5, 20, 32, 48, 150 // more steps than from one timed step to the next
	r := rand.New(rand.NewPCG(5, 6))
	m, err := ggml.NewMatrix(randomWeights(r, 3*hidden*hidden), randomFloats(r, 3*hidden), nil, 3*hidden, hidden, 3)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ggml.NewMatrix(randomWeights(r, alphabet*hidden), randomFloats(r, alphabet), nil, alphabet, hidden, 1)
	if err != nil {
		t.Fatal(err)
	}
	table, err := ggml.NewTable(randomFloats(r, vocab*3*hidden), vocab, 3*hidden, 3)
	if err != nil {
		t.Fatal(err)
	}
	g := ggml.NewGraph(lanes)
	in := g.Input("symbols")
	state := g.State("h", hidden)
	below := g.GRU(g.GetRows(table, in), g.MulMat(m, state.Past), state)
	logits, freqs := g.MulMat(out, below), g.Freqs(g.MulMat(out, below))
	k, err := defaultKernel()
	if err != nil {
		t.Fatal(err)
	}
	compiled := func(threads int, ahead bool) *program {
		c, err := newBackend(k).compile(g, ggml.CompileOptions{Threads: threads, Ahead: ahead}, false)
		if err != nil {
			t.Fatal(err)
		}
		dry, err := newBackend(k).Memory(g, ggml.CompileOptions{Threads: threads, Ahead: ahead})
		if err != nil || dry.Program != c.p.MemoryBytes() {
			t.Errorf("%d bytes were said, %d are taken, %v", dry.Program, c.p.MemoryBytes(), err)
		}
		return c.p
	}
	results := func(p *program) (v []float64) {
		for l := range lanes {
			f, total := p.Freqs(freqs, l)
			v = append(v, float64(total))
			for i := range f {
				v = append(v, float64(f[i]), float64(p.Float32s(logits, l)[i]))
			}
		}
		return v
	}
	for threads := 1; threads <= 3; threads++ {
		a, b := compiled(1, false), compiled(threads, true)
		var last []float64
		for step := range steps {
			for l := range lanes {
				a.Int32s(in)[l] = int32((step*7 + l*3) % vocab)
				b.Int32s(in)[l] = int32((step*7 + l*3) % vocab)
			}
			a.Step(lanes)
			b.Begin(lanes)
			if last != nil && !slices.Equal(results(b), last) {
				t.Fatalf("%d threads, step %d: the results of the step before have changed", threads, step)
			}
			b.End()
			if last = results(a); !slices.Equal(results(b), last) {
				t.Fatalf("%d threads, step %d: other results", threads, step)
			}
		}
		b.Begin(lanes) // and is closed
		a.Close()
		b.Close()
	}
}

// TestMatMulInt8 compares with plain sums, in odd shapes and in those of a GPT-2.
func TestMatMulInt8(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {3, 5, 2}, {16, 16, 16}, {17, 31, 33}, {100, 288, 7}, {33, 3072, 3}, {768, 768, 1}}
	if !testing.Short() {
		shapes = append(shapes, [3]int{50257, 64, 1})
	}
	eachKernel(t, func(t *testing.T, k *kernel.Kernel) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, s := range shapes {
			rows, cols, n := s[0], s[1], s[2]
			w, a := randomWeights(r, rows*cols), randomWeights(r, n*cols)
			y, err := matMulInt8(k, w, rows, cols, a, n)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				for j := range rows {
					var sum int32
					for c, v := range w[j*cols : (j+1)*cols] {
						sum += int32(v) * int32(a[i*cols+c])
					}
					if y[i*rows+j] != sum {
						t.Fatalf("%d x %d, product %d, row %d: %d, want %d", rows, cols, i, j, y[i*rows+j], sum)
					}
				}
			}
		}
	})
}

// TestGRUGraph computes a layer of odd size with a graph and by the definition.
func TestGRUGraph(t *testing.T) {
	const hidden, vocab, lanes, steps = 21, 5, 3, 20
	eachKernel(t, func(t *testing.T, k *kernel.Kernel) {
		r := rand.New(rand.NewPCG(2, 2))
		w := randomWeights(r, 3*hidden*hidden)
		scale, bias := randomFloats(r, 3*hidden), randomFloats(r, 3*hidden)
		for i := range scale {
			scale[i] *= 1e-3
		}
		rows := randomFloats(r, vocab*3*hidden)
		m, err := ggml.NewMatrix(w, scale, bias, 3*hidden, hidden, 3)
		if err != nil {
			t.Fatal(err)
		}
		table, err := ggml.NewTable(rows, vocab, 3*hidden, 3)
		if err != nil {
			t.Fatal(err)
		}
		g := ggml.NewGraph(lanes)
		in := g.Input("symbols")
		state := g.State("h", hidden)
		g.GRU(g.GetRows(table, in), g.MulMat(m, state.Past), state)
		c, err := newBackend(k).compile(g, ggml.CompileOptions{Threads: 2}, false)
		if err != nil {
			t.Fatal(err)
		}
		p := c.p
		defer p.Close()
		own := p.tensors[state.Next.Index()].op.(*cell)
		if len(p.stages) != 1 {
			t.Errorf("%d stages", len(p.stages))
		}

		h := make([]float32, lanes*hidden)
		for step := range steps {
			for l := range lanes {
				p.Int32s(in)[l] = int32((step*7 + l*3) % vocab)
			}
			p.Step(lanes)
			for l := range lanes {
				old := h[l*hidden : (l+1)*hidden]
				q := make([]int8, hidden)
				for i, v := range old {
					q[i] = int8(math.RoundToEven(float64(float32(v * 127))))
				}
				product := func(row int) float32 {
					var acc int32
					for c, v := range q {
						acc += int32(w[row*hidden+c]) * int32(v)
					}
					return float32(float32(acc)*scale[row]) + bias[row]
				}
				x := rows[int(p.Int32s(in)[l])*3*hidden:]
				next := make([]float32, hidden)
				for i := range hidden {
					rg := kernel.Sigmoid32(x[i] + product(i))
					z := kernel.Sigmoid32(x[hidden+i] + product(hidden+i))
					n := kernel.Tanh32(x[2*hidden+i] + float32(rg*product(2*hidden+i)))
					next[i] = max(-1, min(1, n+float32(z*(old[i]-n))))
				}
				copy(old, next)
				for i, v := range next {
					at := (i/kernel.Block*lanes+l)*kernel.Block + i%kernel.Block
					if got := own.state[at]; got != v {
						t.Fatalf("step %d, lane %d, unit %d: %g, want %g", step, l, i, got, v)
					}
				}
			}
		}
		p.Reset()
		for i, v := range own.state {
			if v != 0 || own.past.i8[i] != 0 {
				t.Fatal("the state is not zero after a reset")
			}
		}
	})
}

// TestMemory: what is said beforehand is what a program takes, and weights are there
// once for all programs of a back end.
func TestMemory(t *testing.T) {
	const hidden, columns = 33, 5
	b := newBackend(&kernel.Generic)
	m, err := ggml.NewMatrix(make([]int8, 3*hidden*hidden), make([]float32, 3*hidden), nil, 3*hidden, hidden, 3)
	if err != nil {
		t.Fatal(err)
	}
	build := func() *ggml.Graph {
		g := ggml.NewGraph(columns)
		s := g.State("h", hidden)
		tb, err := ggml.NewTable(make([]float32, 7*3*hidden), 7, 3*hidden, 3)
		if err != nil {
			t.Fatal(err)
		}
		g.GRU(g.GetRows(tb, g.Input("x")), g.MulMat(m, s.Past), s)
		return g
	}
	o := ggml.CompileOptions{Threads: 3}
	said, err := b.Memory(build(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.packed) != 0 {
		t.Error("weights were packed to say how large they are")
	}
	if want := int64(3*48*(64+8) + 7*3*hidden*4); said.Weights != want {
		t.Errorf("%d bytes of weights, want %d", said.Weights, want)
	}
	if err := b.Load(m); err != nil {
		t.Fatal(err)
	}
	m.Release()
	for range 2 {
		p, err := b.Compile(build(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.MemoryBytes() != said.Program {
			t.Errorf("the program takes %d bytes, %d were said", p.MemoryBytes(), said.Program)
		}
	}
	if len(b.packed) != 1 {
		t.Errorf("%d packed matrices", len(b.packed))
	}
	if _, err := newBackend(&kernel.Generic).Compile(build(), o); !errors.Is(err, ggml.ErrReleased) {
		t.Errorf("a released matrix: %v", err)
	}
}

// TestPackFails: the first weight that cannot be read is the error, with one thread
// and with several, and a later try fails too.
func TestPackFails(t *testing.T) {
	broken := errors.New("broken")
	for _, rows := range []int{20, 3000} {
		m, err := ggml.MatrixOf(func(dst []int8, row int) error {
			if row == rows-1 {
				return broken
			}
			dst[0] = 1
			return nil
		}, make([]float32, rows), nil, rows, 512, 1)
		if err != nil {
			t.Fatal(err)
		}
		b := newBackend(&kernel.Generic)
		for range 2 {
			if err := b.Load(m); !errors.Is(err, broken) {
				t.Errorf("%d rows: %v", rows, err)
			}
		}
	}
}

func TestCompileRejects(t *testing.T) {
	matrix := func(rows, cols, groups int) *ggml.Matrix {
		m, err := ggml.NewMatrix(make([]int8, rows*cols), make([]float32, rows), nil, rows, cols, groups)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	b := newBackend(&kernel.Generic)
	many := ggml.NewGraph(maxChunks + 1)
	many.Freqs(many.MulMat(matrix(16, 1, 1), many.State("s", 1).Past))
	grouped := ggml.NewGraph(2)
	grouped.MulMat(matrix(48, 16, 3), grouped.State("s", 16).Past)
	for name, g := range map[string]*ggml.Graph{
		"many columns": many, "grouped result": grouped, "no columns": ggml.NewGraph(0),
	} {
		if _, err := b.Compile(g, ggml.CompileOptions{Threads: 1}); !errors.Is(err, ggml.ErrGraph) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := MatMulInt8([]int8{1}, 1, 1, []int8{1, 2}, 1); err == nil {
		t.Error("a bad product was accepted")
	}
	if _, err := New("abacus"); err == nil {
		t.Error("an unknown kernel was accepted")
	}
}

func TestFindKernel(t *testing.T) {
	if names := Kernels(); names[len(names)-1] != "generic" {
		t.Errorf("kernels %v", names)
	}
	if _, err := findKernel("abacus"); err == nil {
		t.Error("an unknown kernel was found")
	}
	k, err := defaultKernel()
	if err == nil && (!k.Level.Allowed() || k.Name != KernelName()) {
		t.Errorf("the default is %s, and %s", k.Name, KernelName())
	}
}
