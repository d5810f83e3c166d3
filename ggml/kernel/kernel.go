// Package kernel holds the inner loops of package ggml, once in plain Go, which
// defines the results, and again for the vector units of particular processors.
// All of them give the same bits for the same input; see ../NUMERICS.md.
//
// Layouts. A panel is Rows rows of an int8 matrix whose columns are cut into
// blocks of Block: its bytes are ordered [column/4][row][column%4], so that one
// 64-byte vector holds four adjacent columns of all rows. Activations of L lanes
// are ordered [column/Block][L][column%Block]. Columns are padded with zeros to
// a multiple of Block, rows to a multiple of Rows.
package kernel

import (
	"sort"

	"github.com/llmz/llmz/ggml/simd"
)

//go:generate sh -c "cd _gen && go run . -isa avx512vnni -out ../avx512vnni_amd64.s -stubs ../avx512vnni_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run . -isa avx2 -out ../avx2_amd64.s -stubs ../avx2_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run . -isa avxvnni -out ../avxvnni_amd64.s -stubs ../avxvnni_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./neon ../neon_arm64.s"

const (
	// Rows is the number of matrix rows in a panel.
	Rows = 16
	// Block is the number of columns, or of adjacent elements of a lane, that are
	// stored together.
	Block = 16
	// Group is the number of columns that share an exponent in numerics 2.
	Group = 32
	// MaxColumns bounds the columns of a matrix, so that sums cannot overflow int32:
	// 127 * 255 * MaxColumns < 2^31, where 255 is for kernels that store weights
	// with an offset.
	MaxColumns = 1 << 16
	// FreqBits is the scale of Freqs: a weight of 1 becomes 2^FreqBits.
	FreqBits = 23
)

// Kernel is one implementation of the inner loops. The functions trust their
// callers: lengths are not checked.
type Kernel struct {
	Name string
	// Offset is XORed to every byte of a packed matrix: 0x80 where the instructions
	// want unsigned weights, w + 128.
	Offset byte
	// Level of the instructions; Name is its name.
	Level simd.Level

	// Sums computes dst[l] = sum over c of a(c, l), for lanes of stride lanes in
	// blocks column blocks. Needed by kernels with an Offset; nil for others.
	Sums func(dst []int32, a []int8, lanes, stride, blocks int)

	// MatMul computes, exactly,
	//
	//	acc[(p*lanes+l)*Rows + r] = sum over c of w(p, r, c) * a(c, l)
	//
	// for panels that follow each other in w, lanes of stride in a, and blocks column
	// blocks. sums is what Sums has computed, if there is such a function.
	MatMul func(acc []int32, w, a []int8, sums []int32, panels, lanes, stride, blocks int)

	// Dequant computes dst[l*stride+r] = float32(acc[l*Rows+r]) * scale[r] + bias[r]
	// for the Rows rows of a panel, each operation rounded.
	Dequant func(dst []float32, acc []int32, scale, bias []float32, lanes, stride int)

	// GRU computes n state updates (n is a multiple of Block) from the
	// pre-activations x = W_ih*input + b_ih and p = W_hh*h + b_hh, both [3][n] in gate
	// order r, z, n:
	//
	//	r = sigmoid(x0+p0)   z = sigmoid(x1+p1)   c = tanh(x2 + r*p2)
	//	h = clamp(c + z*(h-c), -1, 1)             q = roundeven(h * 127)
	GRU func(h []float32, q []int8, x, p []float32, n int)

	// LSTM computes n state updates from x and p, both [4][n] in gate order i, f, g, o:
	//
	//	c = sigmoid(x1+p1)*c + sigmoid(x0+p0)*tanh(x2+p2)
	//	q = roundeven(sigmoid(x3+p3) * tanh(c) * 127)
	LSTM func(c []float32, q []int8, x, p []float32, n int)

	// Transformer holds the loops of numerics 2.
	Transformer

	// Freqs computes freqs[i] = 1 + floor(exp(logits[i]-max) * 2^FreqBits) and returns
	// the sum. The length is a multiple of Block, at most 256.
	Freqs func(freqs []uint32, logits []float32) uint32
}

// List returns the kernels that this machine can run, the best one first. The
// last is Generic.
func List() []*Kernel {
	l := append(native(), &Generic)
	sort.SliceStable(l, func(i, j int) bool { return l[i].Level > l[j].Level })
	return l
}
