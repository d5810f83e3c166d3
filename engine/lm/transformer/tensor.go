package transformer

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/kernel"
)

// A matrix is a tensor of a model file, or some of its rows, on its way to int8: the
// weight in row r and column c is
//
//	w[r][c] * 2^-columns[c]
//
// and then row r is a row of int8 times scale[r], and its results, with the bias, are
// multiplied by factor[r].
type matrix struct {
	name       string
	rows, cols int
	data       []byte // of the rows
	kind       ggml.Type
	columns    []float32 // 2^-k by column; nil for ones
	scale      []float32 // by row, see measure
	factor     []float32 // 2^k by row; nil for ones
	bias       []float32 // nil for none
}

// Bounds of weights: with them, and the limits that numerics 2 sets, nothing can
// overflow.
const maxWeight = 1e6

// readMatrix finds a matrix of that shape and reads its data.
func readMatrix(f *gguf.File, name string, rows, cols int) (*matrix, error) {
	t, err := f.Tensor(name + ".weight")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if len(t.Shape) != 2 || t.Shape[0] != cols || t.Shape[1] != rows {
		return nil, fmt.Errorf("%w: %s has shape %v, not [%d %d]", ErrModel, t.Name, t.Shape, cols, rows)
	}
	if !matrixType(t.Type) {
		return nil, fmt.Errorf("%w: %s is of type %v", ErrUnsupported, t.Name, t.Type)
	}
	if cols%t.Type.BlockSize() != 0 {
		return nil, fmt.Errorf("%w: %s has rows of %d elements", ErrModel, t.Name, cols)
	}
	m := &matrix{name: name, rows: rows, cols: cols, kind: t.Type}
	if m.data, err = f.Data(t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	m.bias, err = readVector(f, name+".bias", rows, nil)
	return m, err
}

// matrixType reports whether matrices of that type are read.
func matrixType(t ggml.Type) bool {
	return t == ggml.F32 || t == ggml.F16 || t == ggml.BF16 || t == ggml.Q8_0
}

// readVector reads a vector of n elements; fallback stands for one that is not there.
func readVector(f *gguf.File, name string, n int, fallback []float32) ([]float32, error) {
	t, err := f.Tensor(name)
	if err != nil {
		return fallback, nil
	}
	if len(t.Shape) != 1 || t.Shape[0] != n {
		return nil, fmt.Errorf("%w: %s has shape %v, not [%d]", ErrModel, name, t.Shape, n)
	}
	switch t.Type {
	case ggml.F32, ggml.F16, ggml.BF16:
	default:
		return nil, fmt.Errorf("%w: %s is of type %v", ErrUnsupported, name, t.Type)
	}
	v, err := f.Float32s(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if i := bad(v); i >= 0 {
		return nil, fmt.Errorf("%w: element %d of %s is %v", ErrModel, i, name, v[i])
	}
	return v, nil
}

// bad returns the place of the first value that is not finite, or too large, or -1.
func bad(v []float32) int {
	for i, x := range v {
		if !(x >= -maxWeight && x <= maxWeight) {
			return i
		}
	}
	return -1
}

// part returns n rows from row at on.
func (m *matrix) part(at, n int) *matrix {
	p := *m
	size := len(m.data) / m.rows
	p.rows, p.data = n, m.data[at*size:(at+n)*size]
	if m.bias != nil {
		p.bias = m.bias[at : at+n : at+n]
	}
	return &p
}

// row decodes a row.
func (m *matrix) row(dst []float32, r int) {
	size := len(m.data) / m.rows
	ggml.DequantizeTo(dst[:m.cols], m.kind, m.data[r*size:(r+1)*size])
	for c, f := range m.columns {
		dst[c] = float32(dst[c] * f)
	}
}

// eachRow calls f with every row, and a number of the goroutine that does so, under
// the number of workers.
func (m *matrix) eachRow(ctx context.Context, f func(worker, r int, row []float32)) error {
	g, ctx := errgroup.WithContext(ctx)
	n := workers()
	for i := range n {
		g.Go(func() error {
			row := make([]float32, m.cols)
			for r := m.rows * i / n; r < m.rows*(i+1)/n; r++ {
				if r%64 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				m.row(row, r)
				f(i, r, row)
			}
			return nil
		})
	}
	return g.Wait()
}

func workers() int { return runtime.GOMAXPROCS(0) }

// columnMax returns the greatest magnitude in each column of all of ms.
func columnMax(ctx context.Context, ms ...*matrix) ([]float32, error) {
	top := make([]float32, ms[0].cols)
	for _, m := range ms {
		part := make([][]float32, workers())
		for i := range part {
			part[i] = make([]float32, m.cols)
		}
		err := m.eachRow(ctx, func(worker, _ int, row []float32) {
			p := part[worker]
			for c, v := range row {
				p[c] = max(p[c], abs(v))
			}
		})
		if err != nil {
			return nil, err
		}
		for _, p := range part {
			for c, v := range p {
				top[c] = max(top[c], v)
			}
		}
	}
	return top, nil
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// measure sets the scale of each row.
func (m *matrix) measure(ctx context.Context) error {
	m.scale = make([]float32, m.rows)
	wrong := make([]int, workers())
	err := m.eachRow(ctx, func(worker, r int, row []float32) {
		var top float32
		for _, v := range row {
			// Not a number, and infinite ones, stay greater than the bound.
			if !(abs(v) <= top) {
				top = abs(v)
			}
		}
		if !(top <= maxWeight) && wrong[worker] == 0 {
			wrong[worker] = r + 1
		}
		m.scale[r] = top / 127
	})
	if err != nil {
		return err
	}
	for _, r := range wrong {
		if r > 0 {
			return fmt.Errorf("%w: row %d of %s.weight has a value that is not finite or beyond %g", ErrModel, r-1, m.name, float64(maxWeight))
		}
	}
	return nil
}

// graph returns the matrix as the graph takes it; its rows are quantised when they
// are read.
func (m *matrix) graph() (*ggml.Matrix, error) {
	scale := m.scale
	return ggml.MatrixOf(func(dst []int8, r int) error {
		var buf [2048]float32
		row := buf[:]
		if m.cols > len(row) {
			row = make([]float32, m.cols)
		}
		m.row(row, r)
		s := scale[r]
		if s == 0 {
			clear(dst)
			return nil
		}
		for c, v := range row[:m.cols] {
			dst[c] = kernel.RoundInt8(v / s)
		}
		return nil
	}, m.rowScale(), m.bias, m.rows, m.cols, 1)
}

// rowScale returns what the graph multiplies the rows' products by.
func (m *matrix) rowScale() []float32 {
	s := append([]float32(nil), m.scale...)
	for r, f := range m.factor {
		s[r] = float32(s[r] * f)
	}
	return s
}
