package transformer

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/llmz/llmz/ggml/gguf"
)

// TestShortContexts: what compresses decodes, so the settings of a new archive are
// accepted by its decoder, or the model is refused before.
func TestShortContexts(t *testing.T) {
	for _, n := range []uint32{0, 1, 2, 3, 4, 5, 7, 8, 64} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			path := rewritten(t, testdata("stories260K", "stories260K.gguf"), func(f *gguf.File, _ map[string][]float32) {
				for i := range f.KV {
					if f.KV[i].Key == "llama.context_length" {
						f.KV[i].Value = n
					}
				}
			})
			m, err := Open(context.Background(), Options{Path: path, Digest: make([]byte, 32)})
			if n < minContext {
				if !errors.Is(err, ErrModel) {
					t.Fatalf("got %v, want ErrModel", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			again, err := Open(context.Background(), Options{Path: path, Digest: make([]byte, 32), Runtime: m.Info().Runtime})
			if err != nil {
				t.Fatal(err)
			}
			again.Close()
		})
	}
}
