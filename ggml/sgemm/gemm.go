package sgemm

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/ggml/parallel"
)

// ErrShape means that the operands of a product do not fit together.
var ErrShape = errors.New("matrix shapes do not fit")

// maxRows is how many rows of C a panel is multiplied for at once, so that C's part stays
// in the caches and its pages in the translation buffer.
const maxRows = 128

// Mul computes C = alpha*A*B + beta*C with packed operands, using threads
// goroutines. It panics if the shapes do not fit or an operand was packed for
// another precision: both are programming errors.
func (kn *Kernel) Mul(c Matrix, alpha float32, a, b *Packed, beta float32, threads int) {
	kn.check(c, a, b)
	parallel.For(threads, b.parts, func(p int) { kn.mulPanel(c, alpha, a, b, beta, p) })
}

// Panels returns the number of column panels of a right operand.
func (p *Packed) Panels() int { return p.parts }

// MulPanel computes the 48 columns of C that belong to one panel of B. Different
// panels may be computed concurrently.
func (kn *Kernel) MulPanel(c Matrix, alpha float32, a, b *Packed, beta float32, panel int) {
	kn.check(c, a, b)
	kn.mulPanel(c, alpha, a, b, beta, panel)
}

func (kn *Kernel) check(c Matrix, a, b *Packed) {
	if a.k != b.k || a.units != b.units || a.n != c.Rows || b.n != c.Cols || c.Transposed ||
		a.width != groupWidth || b.width != panelWidth || a.units != (a.k+kn.pair()-1)/kn.pair() {
		panic(fmt.Sprintf("sgemm: %v: %dx%d * %dx%d -> %dx%d", ErrShape, a.n, a.k, b.k, b.n, c.Rows, c.Cols))
	}
}

func (kn *Kernel) mulPanel(c Matrix, alpha float32, a, b *Packed, beta float32, panel int) {
	col := panel * panelWidth
	width := min(panelWidth, c.Cols-col)
	add := 0
	if beta != 0 || a.units == 0 {
		add = 1
		for i := range c.Rows {
			row := c.Data[i*c.Stride+col:][:width]
			if beta == 0 {
				clear(row) // not a product: C may hold NaN
			} else if beta != 1 {
				for j := range row {
					row[j] *= beta
				}
			}
		}
	}
	var edge [8 * panelWidth]float32
	for top := 0; top < c.Rows; top += maxRows {
		bottom, add := min(c.Rows, top+maxRows), add
		for u := 0; u < a.units; u += kn.units {
			units := min(kn.units, a.units-u)
			for j := 0; j < width; j += kn.cols {
				bp := &b.data[panel*b.partSize+u*panelWidth+j]
				cols := min(kn.cols, width-j)
				for row := top; row < bottom; row += kn.rows {
					ap := &a.data[row/groupWidth*a.partSize+u*groupWidth+row%groupWidth]
					rows := min(kn.rows, bottom-row)
					if rows == kn.rows && cols == kn.cols {
						kn.tile(units, ap, bp, &c.Data[row*c.Stride+col+j], c.Stride, alpha, add)
						continue
					}
					kn.tile(units, ap, bp, &edge[0], panelWidth, alpha, 0)
					for i := range rows {
						dst := c.Data[(row+i)*c.Stride+col+j:][:cols]
						src := edge[i*panelWidth:][:cols]
						if add != 0 {
							for l, v := range src {
								dst[l] += v
							}
						} else {
							copy(dst, src)
						}
					}
				}
			}
			add = 1
		}
	}
}

// Workspace holds the packed operands of Gemm between calls.
type Workspace struct{ a, b Packed }

// Gemm computes C = alpha*A*B + beta*C, using threads goroutines. With beta 0, C
// is overwritten whatever it holds.
func (kn *Kernel) Gemm(w *Workspace, alpha float32, a, b Matrix, beta float32, c Matrix, threads int) error {
	m, k := a.Size()
	k2, n := b.Size()
	if k != k2 || m != c.Rows || n != c.Cols || c.Transposed || !a.valid() || !b.valid() || !c.valid() {
		return fmt.Errorf("%w: %dx%d * %dx%d -> %dx%d", ErrShape, m, k, k2, n, c.Rows, c.Cols)
	}
	kn.PackLeft(&w.a, a, threads)
	kn.PackRight(&w.b, b, threads)
	kn.Mul(c, alpha, &w.a, &w.b, beta, threads)
	return nil
}

// valid reports whether the view lies within its data.
func (m Matrix) valid() bool {
	if m.Rows < 0 || m.Cols < 0 || m.Stride < m.Cols {
		return false
	}
	return m.Rows == 0 || (m.Rows-1)*m.Stride+m.Cols <= len(m.Data)
}
