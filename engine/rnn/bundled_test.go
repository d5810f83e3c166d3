package rnn

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

// TestBundledWeights compares all kernels on the weights that come with the
// program.
func TestBundledWeights(t *testing.T) {
	for name, steps := range map[string]int{"gru": 20, "lstm": 150} {
		file, err := os.ReadFile(filepath.Join("..", "..", "models", "weights", name+".gguf"))
		if err != nil {
			t.Fatal(err)
		}
		want := goldenHash(t, load(t, file, &kernel.Generic), 2, 2, steps)
		for _, kern := range ggml.Kernels() {
			k, err := ggml.FindKernel(kern)
			if err != nil {
				t.Fatal(err)
			}
			if k.Name == kernel.Generic.Name {
				continue
			}
			m := load(t, file, k)
			for _, threads := range []int{1, 2, 5} {
				if got := goldenHash(t, m, 2, threads, steps); got != want {
					t.Errorf("%s, %s, %d threads: hash %#x, plain Go gives %#x", name, kern, threads, got, want)
				}
			}
		}
	}
}
