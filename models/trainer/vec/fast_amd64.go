//go:build !noasm

package vec

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/llmz/llmz/ggml/simd"
)

//go:generate go run -C _asm . -out ../vec_amd64.s -stubs ../vec_amd64.go -pkg vec

// fast says whether the AVX2 kernels are used; tests change it.
var fast = simd.Use(simd.AVX2, cpuid.FMA3)

// vectors says whether this machine runs them.
var vectors = simd.AVX2.Runs() && simd.Has(cpuid.FMA3)
