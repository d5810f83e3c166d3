//go:build arm64 && !noasm

package freq

import "github.com/llmz/llmz/ggml/simd"

// native returns the kernel for NEON, which every arm64 CPU has.
func native() []loops {
	return []loops{{"neon", simd.NEON, 8, maximumNEON, expsNEON, finishNEON}}
}

//go:noescape
func maximumNEON(logits *float32, n int) float32

//go:noescape
func expsNEON(f *uint32, logits *float32, n int, m float32) uint64

//go:noescape
func finishNEON(f *uint32, n int, shift uint64) uint64
