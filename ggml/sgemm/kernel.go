// Package sgemm multiplies float32 matrices for training: C = alpha*A*B + beta*C
// with optional transposes, in float32 or with operands rounded to bfloat16 and
// float32 accumulation.
//
// It is about speed, not about portability of bits: kernels use fused
// multiply-adds and differ in the last place from machine to machine. On one
// machine and kernel, results do not depend on the number of threads: threads
// share out elements of C, never one element's sum. The codec must not use it.
package sgemm

import (
	"fmt"

	"github.com/llmz/llmz/ggml/simd"
)

// Precision is the format that operands are rounded to before multiplying.
type Precision uint8

// The precisions. Products are always accumulated in float32.
const (
	F32  Precision = iota // float32
	BF16                  // bfloat16, rounded to nearest even
)

// String returns the name that ParsePrecision takes.
func (p Precision) String() string {
	if p == BF16 {
		return "bf16"
	}
	return "f32"
}

// The packed layout, shared by all kernels: the left operand in groups of 16
// rows, the right operand in panels of 48 columns, which are 3 groups wide. One
// unit is a float32, or a pair of bfloat16 with neighbouring k (the lower k in
// the lower half).
const (
	groupWidth = 16
	panelWidth = PanelWidth
)

// PanelWidth is the number of columns of a panel, the last of which may be narrower.
const PanelWidth = 48

// tileFunc computes a tile of C from units of packed operands:
// C = alpha*A*B, plus C if add != 0. ldc is in elements.
type tileFunc func(units int, a, b *uint32, c *float32, ldc int, alpha float32, add int)

// packFunc packs one group of 16; see packRows and packTransposed in pack.go.
type packFunc func(dst *uint32, src *float32, ld, count, dstStride int)

// Kernel is one implementation of the products. Its operands (Packed) fit only
// itself.
type Kernel struct {
	name       string
	level      simd.Level // of instructions; the best that simd allows is used
	precision  Precision
	rows, cols int // of a tile; 16 % rows == 0, 48 % cols == 0
	units      int // of the inner dimension multiplied at once, so that a panel's part stays in a cache
	tile       tileFunc
	packRows   packFunc // nil: generic
	packTrans  packFunc // nil: generic
}

// Name returns "avx512bf16", "avx512", "avx2" or "generic".
func (k *Kernel) Name() string { return k.name }

// Precision returns the format of packed operands.
func (k *Kernel) Precision() Precision { return k.precision }

// pair is the number of values of k in one unit.
func (k *Kernel) pair() int {
	if k.precision == BF16 {
		return 2
	}
	return 1
}

var (
	genericF32  = Kernel{name: "generic", precision: F32, rows: 4, cols: 16, units: 512, tile: tileF32Generic}
	genericBF16 = Kernel{name: "generic-bf16", precision: BF16, rows: 4, cols: 16, units: 512, tile: tileBF16Generic}
)

// Kernels returns all implementations that this machine can run, fastest first.
func Kernels() []*Kernel {
	return append(machineKernels(), &genericF32, &genericBF16)
}

// Best returns the fastest kernel of that precision that package simd allows. Bfloat16 without hardware
// for it is slower than float32: see HasBF16.
func Best(p Precision) *Kernel {
	for _, k := range Kernels() {
		if k.precision == p && k.level.Allowed() {
			return k
		}
	}
	return &genericF32
}

// HasBF16 reports whether this machine multiplies bfloat16 in hardware.
func HasBF16() bool { return Best(BF16) != &genericBF16 }

// Choose returns the kernel for "auto", "f32" or "bf16"; auto is bfloat16 where
// there is hardware for it.
func Choose(precision string) (*Kernel, error) {
	switch precision {
	case "", "auto":
		if HasBF16() {
			return Best(BF16), nil
		}
		return Best(F32), nil
	case "f32":
		return Best(F32), nil
	case "bf16":
		return Best(BF16), nil
	}
	return nil, fmt.Errorf("unknown precision %q: use auto, f32 or bf16", precision)
}
