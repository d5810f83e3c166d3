//go:build amd64 && !noasm

package rich

import (
	"testing"

	"github.com/llmz/llmz/ggml/simd"
)

// TestWidths runs the comparison for both widths that there may be.
func TestWidths(t *testing.T) {
	defer func(v bool) { wide = v }(wide)
	for _, wide = range []bool{false, simd.AVX512VNNI.Runs()} {
		TestNetworkProducts(t)
	}
}
