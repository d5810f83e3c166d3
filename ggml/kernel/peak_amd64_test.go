//go:build !noasm

package kernel

import "github.com/klauspost/cpuid/v2"

func peaks() []peak {
	var p []peak
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VNNI) {
		p = append(p, peak{"avx512vnni", peakVNNI512, 16 * 64})
	}
	if cpuid.CPU.Supports(cpuid.AVX2) {
		p = append(p, peak{"avx2", peakAVX2, 8 * 32})
	}
	return p
}
