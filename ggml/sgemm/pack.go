package sgemm

import (
	"math"

	"github.com/llmz/llmz/ggml/parallel"
)

// Matrix is a view of a row-major matrix of Rows x Cols with Stride elements
// from row to row. Transposed, it stands for its transpose: Rows and Cols are
// those of the stored matrix.
type Matrix struct {
	Data       []float32
	Rows, Cols int
	Stride     int
	Transposed bool
}

// Dense returns the view of rows x cols values without gaps.
func Dense(data []float32, rows, cols int) Matrix {
	return Matrix{Data: data, Rows: rows, Cols: cols, Stride: cols}
}

// T returns the transpose of m, sharing its data.
func (m Matrix) T() Matrix {
	m.Transposed = !m.Transposed
	return m
}

// Size returns the rows and columns of what m stands for.
func (m Matrix) Size() (rows, cols int) {
	if m.Transposed {
		return m.Cols, m.Rows
	}
	return m.Rows, m.Cols
}

// Packed is an operand in a kernel's layout. The zero value is ready for use and
// keeps its memory between uses.
type Packed struct {
	data     []uint32
	n, k     int // rows of a left or columns of a right operand; the inner dimension
	units    int
	width    int // groupWidth or panelWidth
	parts    int // groups or panels
	partSize int // elements of data per part
}

func (p *Packed) reset(kn *Kernel, n, k, width int) {
	p.n, p.k, p.width = n, k, width
	p.units = (k + kn.pair() - 1) / kn.pair()
	p.parts = (n + width - 1) / width
	p.partSize = p.units * width
	size := p.parts * p.partSize
	if cap(p.data) < size {
		p.data = make([]uint32, size)
	}
	p.data = p.data[:size]
}

// Inner returns the inner dimension.
func (p *Packed) Inner() int { return p.k }

// Columns returns the number of columns of a right operand.
func (p *Packed) Columns() int { return p.n }

// Prefix returns the operand without what is beyond the first k of the inner dimension,
// sharing its memory. k is even or all of it.
func (p *Packed) Prefix(k int) Packed {
	if k > p.k || k%2 != 0 && k != p.k {
		panic("sgemm: no such prefix")
	}
	q := *p
	if k < p.k {
		if q.k = k; p.units == p.k {
			q.units = k
		} else {
			q.units = k / 2 // pairs
		}
	}
	return q
}

// PackLeft packs a left operand of m x k, using threads goroutines.
func (kn *Kernel) PackLeft(p *Packed, a Matrix, threads int) {
	m, k := a.Size()
	p.reset(kn, m, k, groupWidth)
	if k == 0 {
		return
	}
	parallel.For(threads, p.parts, func(g int) {
		kn.packGroup(p.data[g*p.partSize:], groupWidth, a, !a.Transposed, g*groupWidth, m, k)
	})
}

// PackRight packs a right operand of k x n, using threads goroutines.
func (kn *Kernel) PackRight(p *Packed, b Matrix, threads int) {
	k, n := b.Size()
	p.reset(kn, n, k, panelWidth)
	if k == 0 {
		return
	}
	const groups = panelWidth / groupWidth
	parallel.For(threads, p.parts*groups, func(i int) {
		dst := p.data[i/groups*p.partSize+i%groups*groupWidth:]
		kn.packGroup(dst, panelWidth, b, b.Transposed, i*groupWidth, n, k)
	})
}

// packGroup packs 16 rows (kInRow) or columns of the stored matrix, from index
// first of n, to units of the given stride. What is beyond n or k is zero.
func (kn *Kernel) packGroup(dst []uint32, stride int, m Matrix, kInRow bool, first, n, k int) {
	pair := kn.pair()
	units := (k + pair - 1) / pair
	done := 0
	if n-first >= groupWidth {
		switch {
		case kInRow && kn.packTrans != nil && k/pair >= 16:
			blocks := k / pair / 16
			kn.packTrans(&dst[0], &m.Data[first*m.Stride], m.Stride, blocks, stride)
			done = blocks * 16
		case !kInRow && kn.packRows != nil && k/pair > 0:
			done = k / pair
			kn.packRows(&dst[0], &m.Data[first], m.Stride, done, stride)
		case pair == 1 && kInRow:
			done = k / transposed * transposed
			packTransposedF32(dst, m.Data[first*m.Stride:], m.Stride, done, stride)
		case pair == 1:
			done = k
			packRowsF32(dst, m.Data[first:], m.Stride, done, stride)
		}
	}
	value := func(i, k int) float32 {
		if kInRow {
			return m.Data[i*m.Stride+k]
		}
		return m.Data[k*m.Stride+i]
	}
	for u := done; u < units; u++ {
		for i := range groupWidth {
			var unit uint32
			if first+i < n {
				if pair == 1 {
					unit = math.Float32bits(value(first+i, u))
				} else {
					unit = bf16(value(first+i, 2*u))
					if 2*u+1 < k {
						unit |= bf16(value(first+i, 2*u+1)) << 16
					}
				}
			}
			dst[u*stride+i] = unit
		}
	}
}

// packRowsF32 packs 16 columns of a matrix with one k per row.
func packRowsF32(dst []uint32, src []float32, ld, count, dstStride int) {
	for u := range count {
		to, from := dst[u*dstStride:][:groupWidth], src[u*ld:][:groupWidth]
		for i, v := range from {
			to[i] = math.Float32bits(v)
		}
	}
}

// transposed is how many units packTransposedF32 packs of a row before it turns to the
// next, so that what it writes to stays in the first-level cache.
const transposed = 16

// packTransposedF32 packs 16 rows of a matrix with one k per column; count is a multiple
// of transposed.
func packTransposedF32(dst []uint32, src []float32, ld, count, dstStride int) {
	for u := 0; u < count; u += transposed {
		for i := range groupWidth {
			from, to := src[i*ld+u:][:transposed], dst[u*dstStride+i:]
			for j, v := range from {
				to[j*dstStride] = math.Float32bits(v)
			}
		}
	}
}
