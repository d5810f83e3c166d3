//go:build !noasm

package sgemm

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/llmz/llmz/ggml/simd"
)

//go:generate go run -C _asm . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg sgemm

var (
	avx512bf16 = Kernel{name: "avx512bf16", level: simd.AVX512VNNI, precision: BF16, rows: 8, cols: 48, units: 512, tile: tileBF16AVX512,
		packRows: packRowsBF16AVX512, packTrans: packTransposedBF16AVX512}
	avx512 = Kernel{name: "avx512", level: simd.AVX512VNNI, precision: F32, rows: 8, cols: 48, units: 512, tile: tileF32AVX512,
		packRows: packRowsF32AVX512, packTrans: packTransposedF32AVX512}
	avx2 = Kernel{name: "avx2", level: simd.AVX2, precision: F32, rows: 4, cols: 24, units: 96, tile: tileF32AVX2}
)

func machineKernels() []*Kernel {
	var ks []*Kernel
	if simd.Has(cpuid.AVX512F, cpuid.AVX512BF16) {
		ks = append(ks, &avx512bf16)
	}
	if simd.Has(cpuid.AVX512F) {
		ks = append(ks, &avx512)
	}
	if simd.Has(cpuid.AVX2, cpuid.FMA3) {
		ks = append(ks, &avx2)
	}
	return ks
}
