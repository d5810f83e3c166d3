package transformer

import (
	"testing"

	"github.com/llmz/llmz/ggml/gguf"
)

// TestDecodeMemory: what is said from the metadata is what a loaded model says.
func TestDecodeMemory(t *testing.T) {
	for _, c := range testModels {
		f, err := gguf.Open(testdata(c.model...))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m := open(t, testdata(c.model...), Options{})
		for _, lanes := range []int{1, 7, 64} {
			got, err := DecodeMemory(f, nil, lanes)
			if err != nil {
				t.Fatal(err)
			}
			if want := m.MemoryBytes(lanes) + m.Preferences(lanes).LoadBytes; got != want {
				t.Errorf("%s in %d lanes: %d bytes, want %d", c.name, lanes, got, want)
			}
		}
		if _, err := DecodeMemory(f, map[string]string{"ctx": "5"}, 1); err == nil {
			t.Error("settings without a number of tokens to keep were taken")
		}
	}
}
