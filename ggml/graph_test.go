package ggml

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

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
		k, err := FindKernel(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { f(t, k) })
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
			y, err := MatMulInt8(k, w, rows, cols, a, n)
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
		m, err := NewMatrix(k, w, scale, bias, 3*hidden, hidden, 3)
		if err != nil {
			t.Fatal(err)
		}
		table, err := NewTable(rows, vocab, 3*hidden, 3)
		if err != nil {
			t.Fatal(err)
		}
		g := NewGraph(k, lanes)
		in := g.Input("symbols")
		state := g.State("h", hidden)
		g.GRU(g.GetRows(table, in), g.MulMat(m, state.Past()), state)
		p, err := g.Plan(2)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if len(p.stages) != 1 {
			t.Errorf("%d stages", len(p.stages))
		}

		h := make([]float32, lanes*hidden)
		for step := range steps {
			for l := range lanes {
				in.Int32s()[l] = int32((step*7 + l*3) % vocab)
			}
			p.Compute(lanes)
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
				x := rows[int(in.Int32s()[l])*3*hidden:]
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
					if got := state.f32[at]; got != v {
						t.Fatalf("step %d, lane %d, unit %d: %g, want %g", step, l, i, got, v)
					}
				}
			}
		}
		p.Reset()
		for i, v := range state.f32 {
			if v != 0 || state.Past().i8[i] != 0 {
				t.Fatal("the state is not zero after a reset")
			}
		}
	})
}

func TestGraphRejects(t *testing.T) {
	k := &kernel.Generic
	square := func(rows, cols, groups int) *Matrix {
		m, err := NewMatrix(k, make([]int8, rows*cols), make([]float32, rows), nil, rows, cols, groups)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	other := kernel.Generic
	for name, build := range map[string]func(g *Graph){
		"columns":     func(g *Graph) { g.MulMat(square(16, 8, 1), g.State("s", 16).Past()) },
		"symbols":     func(g *Graph) { g.MulMat(square(16, 8, 1), g.Input("x")) },
		"gates":       func(g *Graph) { s := g.State("s", 16); x := g.MulMat(square(48, 16, 3), s.Past()); g.LSTM(x, x, s) },
		"groups":      func(g *Graph) { s := g.State("s", 16); x := g.MulMat(square(48, 16, 1), s.Past()); g.GRU(x, x, s) },
		"many logits": func(g *Graph) { g.Freqs(g.MulMat(square(272, 16, 1), g.State("s", 16).Past())) },
		"odd logits":  func(g *Graph) { g.Freqs(g.MulMat(square(17, 16, 1), g.State("s", 16).Past())) },
		"twice": func(g *Graph) {
			s := g.State("s", 16)
			x, p := g.MulMat(square(48, 16, 3), s.Past()), g.MulMat(square(48, 16, 3), s.Past())
			g.GRU(x, p, s)
			g.GRU(x, p, s)
		},
		"grouped result": func(g *Graph) { g.MulMat(square(48, 16, 3), g.State("s", 16).Past()) },
		"kernel": func(g *Graph) {
			m, _ := NewMatrix(&other, make([]int8, 256), make([]float32, 16), nil, 16, 16, 1)
			g.MulMat(m, g.State("s", 16).Past())
		},
	} {
		g := NewGraph(k, 2)
		build(g)
		if p, err := g.Plan(1); !errors.Is(err, ErrGraph) {
			t.Errorf("%s: %v", name, err)
			if p != nil {
				p.Close()
			}
		}
	}
	many := NewGraph(k, maxChunks+1)
	many.Freqs(many.MulMat(square(16, 1, 1), many.State("s", 1).Past()))
	if _, err := many.Plan(1); !errors.Is(err, ErrGraph) {
		t.Errorf("too many lanes: %v", err)
	}
	if _, err := NewGraph(k, 0).Plan(1); !errors.Is(err, ErrGraph) {
		t.Errorf("no lanes: %v", err)
	}
}

func TestMatrixRejects(t *testing.T) {
	k := &kernel.Generic
	one := []float32{1}
	for _, f := range []func() (*Matrix, error){
		func() (*Matrix, error) { return NewMatrix(k, []int8{-128}, one, nil, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix(k, []int8{1, 2}, one, nil, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix(k, []int8{1}, nil, nil, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix(k, []int8{1}, one, []float32{1, 2}, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix(k, []int8{1}, one, nil, 1, 1, 2) },
		func() (*Matrix, error) { return NewMatrix(k, nil, nil, nil, 0, 1, 1) },
	} {
		if _, err := f(); err == nil {
			t.Error("a bad matrix was accepted")
		}
	}
	if _, err := NewTable(one, 1, 2, 1); err == nil {
		t.Error("a bad table was accepted")
	}
	if _, err := MatMulInt8(k, []int8{1}, 1, 1, []int8{1, 2}, 1); err == nil {
		t.Error("a bad product was accepted")
	}
}

func TestFindKernel(t *testing.T) {
	if names := Kernels(); names[len(names)-1] != "generic" {
		t.Errorf("kernels %v", names)
	}
	if _, err := FindKernel("abacus"); err == nil {
		t.Error("an unknown kernel was found")
	}
	if k, err := choose(""); err != nil || k.Name != Kernels()[0] {
		t.Errorf("the default is %s, %v", k.Name, err)
	}
	if k, err := choose("generic"); err != nil || k.Name != "generic" {
		t.Errorf("%s, %v in place of generic", k.Name, err)
	}
	if k, err := choose("abacus"); err == nil || k == nil || !strings.Contains(err.Error(), KernelEnv) {
		t.Errorf("%v, %v", k, err)
	}
	if k, err := DefaultKernel(); err == nil && k.Name != KernelName() {
		t.Errorf("%s and %s", k.Name, KernelName())
	}
}
