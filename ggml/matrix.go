package ggml

import (
	"fmt"

	"github.com/llmz/llmz/ggml/kernel"
)

// Matrix is an int8 matrix with a scale and a bias for each row, packed for a
// kernel. It is immutable and may be shared by graphs that use the same kernel.
type Matrix struct {
	Rows, Cols int
	// Groups is the number of parts of Rows/Groups rows (the gates of a recurrent
	// cell) whose rows of the same number are computed together.
	Groups int

	kern        *kernel.Kernel
	w           []int8    // [unit][group] panels, see package kernel
	scale, bias []float32 // [unit][group][kernel.Rows]
}

// NewMatrix packs rows x cols weights, row after row, for kern. Bias may be nil.
// The weights must be in [-127, 127].
func NewMatrix(kern *kernel.Kernel, w []int8, scale, bias []float32, rows, cols, groups int) (*Matrix, error) {
	if rows < 1 || cols < 1 || cols > kernel.MaxColumns || groups < 1 || rows%groups != 0 ||
		len(w) != rows*cols || len(scale) != rows || (bias != nil && len(bias) != rows) {
		return nil, fmt.Errorf("ggml: matrix of %d x %d in %d groups with %d weights, %d scales and %d biases",
			rows, cols, groups, len(w), len(scale), len(bias))
	}
	m := &Matrix{Rows: rows, Cols: cols, Groups: groups, kern: kern}
	blocks := pad(cols, kernel.Block) / kernel.Block
	size := blocks * kernel.Block * kernel.Rows
	n := units(rows, groups) * groups
	m.w = alignedInt8s(n * size)
	m.scale = make([]float32, n*kernel.Rows)
	m.bias = make([]float32, n*kernel.Rows)
	per := rows / groups
	for i := range n {
		u, g := i/groups, i%groups
		panel := m.w[i*size : (i+1)*size]
		for r := range min(kernel.Rows, per-u*kernel.Rows) {
			row := g*per + u*kernel.Rows + r
			m.scale[i*kernel.Rows+r] = scale[row]
			if bias != nil {
				m.bias[i*kernel.Rows+r] = bias[row]
			}
			for c, v := range w[row*cols : (row+1)*cols] {
				if v == -128 {
					return nil, fmt.Errorf("ggml: weight -128 in row %d column %d", row, c)
				}
				panel[c/4*4*kernel.Rows+4*r+c%4] = v
			}
		}
		if o := int8(kern.Offset); o != 0 {
			for j := range panel {
				panel[j] ^= o
			}
		}
	}
	return m, nil
}

// Bytes returns the memory the matrix takes.
func (m *Matrix) Bytes() int64 { return int64(len(m.w)) + 8*int64(len(m.scale)) }

func (m *Matrix) blocks() int { return pad(m.Cols, kernel.Block) / kernel.Block }

// Table holds rows of float32 values that are looked up by symbol. It is
// immutable and may be shared by graphs.
type Table struct {
	Rows, Cols, Groups int

	v []float32 // [row][unit][group][kernel.Rows]
}

// NewTable packs rows x cols values, row after row. Groups is as in Matrix, for
// the columns.
func NewTable(v []float32, rows, cols, groups int) (*Table, error) {
	if rows < 1 || cols < 1 || groups < 1 || cols%groups != 0 || len(v) != rows*cols {
		return nil, fmt.Errorf("ggml: table of %d x %d in %d groups with %d values", rows, cols, groups, len(v))
	}
	t := &Table{Rows: rows, Cols: cols, Groups: groups}
	per := cols / groups
	n := units(cols, groups)
	t.v = make([]float32, rows*n*groups*kernel.Rows)
	for r := range rows {
		for c, x := range v[r*cols : (r+1)*cols] {
			g, i := c/per, c%per
			t.v[((r*n+i/kernel.Rows)*groups+g)*kernel.Rows+i%kernel.Rows] = x
		}
	}
	return t, nil
}

// Bytes returns the memory the table takes.
func (t *Table) Bytes() int64 { return 4 * int64(len(t.v)) }
