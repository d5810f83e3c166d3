package ggml

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestGraphRejects(t *testing.T) {
	matrix := func(rows, cols, groups int) *Matrix {
		m, err := NewMatrix(make([]int8, rows*cols), make([]float32, rows), nil, rows, cols, groups)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, build := range map[string]func(g *Graph){
		"columns":     func(g *Graph) { g.MulMat(matrix(16, 8, 1), g.State("s", 16).Past) },
		"symbols":     func(g *Graph) { g.MulMat(matrix(16, 8, 1), g.Input("x")) },
		"gates":       func(g *Graph) { s := g.State("s", 16); x := g.MulMat(matrix(48, 16, 3), s.Past); g.LSTM(x, x, s) },
		"groups":      func(g *Graph) { s := g.State("s", 16); x := g.MulMat(matrix(48, 16, 1), s.Past); g.GRU(x, x, s) },
		"many logits": func(g *Graph) { g.Freqs(g.MulMat(matrix(272, 16, 1), g.State("s", 16).Past)) },
		"odd logits":  func(g *Graph) { g.Freqs(g.MulMat(matrix(17, 16, 1), g.State("s", 16).Past)) },
		"empty state": func(g *Graph) { g.State("s", 0) },
		"rows": func(g *Graph) {
			tb, _ := NewTable(make([]float32, 4), 2, 2, 1)
			g.GetRows(tb, g.State("s", 1).Past)
		},
		"twice": func(g *Graph) {
			s := g.State("s", 16)
			x, p := g.MulMat(matrix(48, 16, 3), s.Past), g.MulMat(matrix(48, 16, 3), s.Past)
			g.GRU(x, p, s)
			g.GRU(x, p, s)
		},
	} {
		g := NewGraph(2)
		build(g)
		if err := g.Err(); !errors.Is(err, ErrGraph) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := NewGraph(0).Err(); !errors.Is(err, ErrGraph) {
		t.Errorf("no columns: %v", err)
	}
}

// TestGraphOrder: each tensor comes after those it is computed from, and knows its
// place.
func TestGraphOrder(t *testing.T) {
	g := NewGraph(3)
	m, err := NewMatrix(make([]int8, 48*16), make([]float32, 48), nil, 48, 16, 3)
	if err != nil {
		t.Fatal(err)
	}
	s := g.State("s", 16)
	g.GRU(g.MulMat(m, s.Past), g.MulMat(m, s.Past), s)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	for i, n := range g.Tensors() {
		if n.Index() != i || n.Ne[1] != 3 {
			t.Errorf("tensor %d has index %d and %d columns", i, n.Index(), n.Ne[1])
		}
		for _, src := range n.Src {
			if src.Index() >= i {
				t.Errorf("tensor %d comes before %d", i, src.Index())
			}
		}
	}
	if !slices.Equal(g.States(), []*State{s}) || s.Next == nil || s.Next.Op.Name() != "gru" {
		t.Errorf("states %v", g.States())
	}
}

func TestMatrixRejects(t *testing.T) {
	one := []float32{1}
	for _, f := range []func() (*Matrix, error){
		func() (*Matrix, error) { return NewMatrix([]int8{-128}, one, nil, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix([]int8{1, 2}, one, nil, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix([]int8{1}, nil, nil, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix([]int8{1}, one, []float32{1, 2}, 1, 1, 1) },
		func() (*Matrix, error) { return NewMatrix([]int8{1}, one, nil, 1, 1, 2) },
		func() (*Matrix, error) { return NewMatrix(nil, nil, nil, 0, 1, 1) },
		func() (*Matrix, error) { return NewMatrix(make([]int8, MaxColumns+1), one, nil, 1, MaxColumns+1, 1) },
	} {
		if _, err := f(); err == nil {
			t.Error("a bad matrix was accepted")
		}
	}
	if _, err := NewTable(one, 1, 2, 1); err == nil {
		t.Error("a bad table was accepted")
	}
}

// TestMatrixRead reads weights from memory and from a function, up to the release.
func TestMatrixRead(t *testing.T) {
	w := []int8{1, 2, 3, 4, 5, 6}
	scale := make([]float32, 2)
	kept, err := NewMatrix(w, scale, nil, 2, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	made, err := MatrixOf(func(dst []int8, row int) error {
		for i := range dst {
			dst[i] = int8(3*row + i + 1)
		}
		return nil
	}, scale, nil, 2, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Matrix{kept, made} {
		row := []int8{9, 9, 9, 9}
		if err := m.Read(row, 1); err != nil || !slices.Equal(row, []int8{4, 5, 6, 9}) {
			t.Errorf("%v, %v", row, err)
		}
		m.Release()
		if err := m.Read(row, 1); !errors.Is(err, ErrReleased) {
			t.Errorf("after the release: %v", err)
		}
	}
	bad, err := MatrixOf(func(dst []int8, _ int) error { dst[2] = -128; return nil }, scale, nil, 2, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := bad.Read(make([]int8, 3), 0); err == nil {
		t.Error("-128 was read")
	}
}

// TestMXShift: the greatest shift is the one of the contract, and keeps the greatest sums
// in int32.
func TestMXShift(t *testing.T) {
	for n, want := range map[int]int{1: 8, 64: 8, 512: 8, 513: 7, 768: 7, 1024: 7, 1025: 6, 3072: 5, 4096: 5, 65536: 1} {
		got := MXShift(n)
		if got != want {
			t.Errorf("%d elements: shift %d, want %d", n, got, want)
		}
		if sum := int64(127*127) * int64((n+31)/32*32) << got; sum > math.MaxInt32 {
			t.Errorf("%d elements: sums of up to %d", n, sum)
		}
	}
}
