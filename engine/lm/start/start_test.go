package start

import (
	"testing"

	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

func TestRead(t *testing.T) {
	const bos, eos = "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"
	for name, c := range map[string]struct {
		kv   map[string]any
		want Symbol
		ok   bool
	}{
		"bos":                     {map[string]any{bos: uint32(3), eos: uint32(4)}, Symbol{Token: 3}, true},
		"eos":                     {map[string]any{eos: uint32(4)}, Symbol{Token: 4}, true},
		"bos beyond the tokens":   {map[string]any{bos: uint32(10), eos: uint32(4)}, Symbol{Token: 4}, true},
		"windows":                 {map[string]any{bos: uint32(3), KeyWindow: true}, Symbol{3, true}, true},
		"no windows":              {map[string]any{bos: uint32(3), KeyWindow: false}, Symbol{Token: 3}, true},
		"windows of another type": {map[string]any{bos: uint32(3), KeyWindow: "true"}, Symbol{Token: 3}, true},
		"none":                    {map[string]any{}, Symbol{}, false},
		"windows without one":     {map[string]any{KeyWindow: true}, Symbol{}, false},
	} {
		var w gguf.Writer
		w.Set("general.architecture", "llama")
		for k, v := range c.kv {
			w.Set(k, v)
		}
		f := gguftest.Parse(t, &w)
		if got, ok := Read(f, 10); got != c.want || ok != c.ok {
			t.Errorf("%s: %+v, %v, want %+v, %v", name, got, ok, c.want, c.ok)
		}
	}
}
