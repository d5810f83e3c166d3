//go:build amd64 && !noasm

package freq

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/llmz/llmz/ggml/simd"
)

// native returns the kernels that this CPU can run, the fastest first.
func native() (list []loops) {
	// The first CPUs with AVX-512 slow everything down for milliseconds after it has been
	// used; those with VBMI2 do not.
	if simd.AVX512VNNI.Runs() && simd.Has(cpuid.AVX512VBMI2) {
		list = append(list, loops{"avx512", simd.AVX512VNNI, 32, maximumAVX512, expsAVX512, finishAVX512})
	}
	if simd.AVX2.Runs() {
		list = append(list, loops{"avx2", simd.AVX2, 8, maximumAVX2, expsAVX2, finishAVX2})
	}
	return list
}

//go:noescape
func maximumAVX2(logits *float32, n int) float32

//go:noescape
func expsAVX2(f *uint32, logits *float32, n int, m float32) uint64

//go:noescape
func finishAVX2(f *uint32, n int, shift uint64) uint64

//go:noescape
func maximumAVX512(logits *float32, n int) float32

//go:noescape
func expsAVX512(f *uint32, logits *float32, n int, m float32) uint64

//go:noescape
func finishAVX512(f *uint32, n int, shift uint64) uint64
