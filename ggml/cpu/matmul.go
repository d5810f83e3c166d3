package cpu

import (
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// MatMulInt8 computes y[n][rows] = sum over c of w[rows][c] * a[n][c], exactly, of
// int8 values in [-127, 127]. It allocates, and serves for what is computed once.
func MatMulInt8(w []int8, rows, cols int, a []int8, n int) ([]int32, error) {
	kern, err := defaultKernel()
	if err != nil {
		return nil, err
	}
	return matMulInt8(kern, w, rows, cols, a, n)
}

func matMulInt8(kern *kernel.Kernel, w []int8, rows, cols int, a []int8, n int) ([]int32, error) {
	if len(a) != n*cols {
		return nil, fmt.Errorf("ggml: %d activations for %d products of %d columns", len(a), n, cols)
	}
	c, err := ggml.NewMatrix(w, make([]float32, rows), nil, rows, cols, 1)
	if err != nil {
		return nil, err
	}
	m := newPacked(kern, c)
	if err := m.pack(c); err != nil {
		return nil, err
	}
	const lanes = 16
	blocks := m.blocks
	size := m.panel
	x := aligned[int8](blocks * kernel.Block * lanes)
	acc := aligned[int32](lanes * kernel.Rows)
	sums := aligned[int32](lanes)
	y := make([]int32, n*rows)
	for l0 := 0; l0 < n; l0 += lanes {
		ln := min(lanes, n-l0)
		for l := range ln {
			for c, v := range a[(l0+l)*cols : (l0+l+1)*cols] {
				x[c/kernel.Block*lanes*kernel.Block+l*kernel.Block+c%kernel.Block] = v
			}
		}
		if kern.Sums != nil {
			kern.Sums(sums, x, ln, lanes, blocks)
		}
		for u := range units(rows, 1) {
			kern.MatMul(acc, m.w[u*size:(u+1)*size], x, sums, 1, ln, lanes, blocks)
			for l := range ln {
				r := u * kernel.Rows
				copy(y[(l0+l)*rows+r:(l0+l)*rows+min(r+kernel.Rows, rows)], acc[l*kernel.Rows:])
			}
		}
	}
	return y, nil
}
