//go:build !purego

package sgemm

import "golang.org/x/sys/cpu"

var (
	avx512bf16 = Kernel{name: "avx512bf16", precision: BF16, rows: 8, cols: 48, units: 512, tile: tileBF16AVX512,
		packRows: packRowsBF16AVX512, packTrans: packTransposedBF16AVX512}
	avx512 = Kernel{name: "avx512", precision: F32, rows: 8, cols: 48, units: 512, tile: tileF32AVX512,
		packRows: packRowsF32AVX512, packTrans: packTransposedF32AVX512}
	avx2 = Kernel{name: "avx2", precision: F32, rows: 4, cols: 24, units: 96, tile: tileF32AVX2}
)

func machineKernels() []*Kernel {
	var ks []*Kernel
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BF16 {
		ks = append(ks, &avx512bf16)
	}
	if cpu.X86.HasAVX512F {
		ks = append(ks, &avx512)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		ks = append(ks, &avx2)
	}
	return ks
}
