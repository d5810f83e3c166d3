package ggml

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"
)

// MaxColumns bounds the columns of a matrix, so that sums cannot overflow int32:
// 127 * 255 * MaxColumns < 2^31, where 255 is for back ends that keep weights with
// an offset.
const MaxColumns = 1 << 16

// ErrReleased means that the canonical weights of a matrix are wanted after their
// release.
var ErrReleased = errors.New("ggml: the weights of this matrix have been released")

// Matrix is an int8 matrix with a scale and a bias for each row, in canonical form:
// row after row. Back ends pack it as they need it. It is immutable but for Release,
// and may be shared by graphs.
type Matrix struct {
	Rows, Cols int
	// Groups is the number of parts of Rows/Groups rows (the gates of a recurrent
	// cell) whose rows of the same number are computed together.
	Groups int
	// Scale and Bias have an element for each row; Bias may be nil.
	Scale, Bias []float32

	read func(dst []int8, row int) error
}

// NewMatrix describes a matrix of weights in memory, row after row, in [-127, 127].
// Bias may be nil. The slices are kept.
func NewMatrix(w []int8, scale, bias []float32, rows, cols, groups int) (*Matrix, error) {
	if len(w) != rows*cols {
		return nil, fmt.Errorf("ggml: %d weights for a matrix of %d x %d", len(w), rows, cols)
	}
	m, err := MatrixOf(func(dst []int8, row int) error {
		copy(dst, w[row*cols:])
		return nil
	}, scale, bias, rows, cols, groups)
	if err != nil {
		return nil, err
	}
	if i := minus128(w); i >= 0 {
		return nil, fmt.Errorf("ggml: weight -128 in row %d column %d", i/cols, i%cols)
	}
	return m, nil
}

// MatrixOf describes a matrix whose weights are read, a row at a time, when a back end
// packs them: those of a file, or ones that are computed. Read fills dst, and may be
// called concurrently.
func MatrixOf(read func(dst []int8, row int) error, scale, bias []float32, rows, cols, groups int) (*Matrix, error) {
	if rows < 1 || cols < 1 || cols > MaxColumns || groups < 1 || rows%groups != 0 ||
		len(scale) != rows || (bias != nil && len(bias) != rows) {
		return nil, fmt.Errorf("ggml: matrix of %d x %d in %d groups with %d scales and %d biases",
			rows, cols, groups, len(scale), len(bias))
	}
	return &Matrix{Rows: rows, Cols: cols, Groups: groups, Scale: scale, Bias: bias, read: read}, nil
}

// Read copies the weights of a row.
func (m *Matrix) Read(dst []int8, row int) error {
	if m.read == nil {
		return ErrReleased
	}
	dst = dst[:m.Cols]
	if err := m.read(dst, row); err != nil {
		return err
	}
	if i := minus128(dst); i >= 0 {
		return fmt.Errorf("ggml: weight -128 in row %d column %d", row, i)
	}
	return nil
}

// Release lets go of the weights, scales and biases. Back ends that have loaded the
// matrix compute with it as before; no other can load it.
func (m *Matrix) Release() { m.read, m.Scale, m.Bias = nil, nil, nil }

// minus128 returns the place of the first -128, which no contract allows, or -1.
func minus128(w []int8) int {
	return bytes.IndexByte(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), len(w)), 0x80)
}
