package rnn

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/ggml/cpu"
)

// TestBundledWeights compares all kernels on the weights that come with the
// program.
func TestBundledWeights(t *testing.T) {
	for name, steps := range map[string]int{"gru": 20, "lstm": 150} {
		file, err := os.ReadFile(filepath.Join("..", "..", "models", "weights", name+".gguf"))
		if err != nil {
			t.Fatal(err)
		}
		want := goldenHash(t, load(t, file, "generic"), 2, 2, steps)
		for _, kern := range cpu.Kernels() {
			if kern == "generic" {
				continue
			}
			m := load(t, file, kern)
			for _, threads := range []int{1, 2, 5} {
				if got := goldenHash(t, m, 2, threads, steps); got != want {
					t.Errorf("%s, %s, %d threads: hash %#x, plain Go gives %#x", name, kern, threads, got, want)
				}
			}
		}
	}
}
