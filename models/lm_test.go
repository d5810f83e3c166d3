package models

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// withSetting writes a copy of a language model with another setting.
func withSetting(t *testing.T, key string, value any) string {
	t.Helper()
	f, err := gguf.Open(filepath.Join("..", "testdata", "stories260K", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var w gguf.Writer
	for _, kv := range f.KV {
		if kv.Key != key {
			w.Set(kv.Key, kv.Value)
		}
	}
	w.Set(key, value)
	for i := range f.Tensors {
		x := &f.Tensors[i]
		data, err := f.Data(x)
		if err != nil {
			t.Fatal(err)
		}
		w.AddTensor(x.Name, x.Type, x.Shape, data)
	}
	path := filepath.Join(t.TempDir(), "changed.gguf")
	write(t, path, gguftest.Bytes(t, &w))
	return path
}

// TestRuntimeOfLM: a file that asks for what the bundled graph does not compute is for
// llama.cpp, and what is the matter is said in a sentence.
func TestRuntimeOfLM(t *testing.T) {
	found := os.Getenv(llamacpp.EnvLib)
	for key, value := range map[string]any{
		"llama.attn_logit_softcapping": float32(50), "llama.use_parallel_residual": true, "llama.rope.scaling.type": "linear",
	} {
		path := withSetting(t, key, value)
		t.Setenv(llamacpp.EnvLib, t.TempDir())
		r := &Registry{Dir: t.TempDir(), Device: "cpu"}
		_, err := r.Open(t.Context(), path)
		if !errors.Is(err, predict.ErrRuntimeMissing) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s without llama.cpp: %v", key, err)
		}
		r.Runtime = RuntimeNative
		if _, err := r.Open(t.Context(), path); !errors.Is(err, transformer.ErrUnsupported) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s natively: %v", key, err)
		}
		if os.Getenv("LLMZ_TEST_LLAMA") == "" {
			continue
		}
		t.Setenv(llamacpp.EnvLib, found)
		var said []string
		r = &Registry{Dir: t.TempDir(), Device: "cpu", Notice: func(s string) { said = append(said, s) }}
		m, err := r.Open(context.Background(), path)
		if err != nil {
			t.Errorf("%s in llama.cpp: %v", key, err)
			continue
		}
		if m.Info().Portability != predict.SameRuntime || len(said) != 1 || !strings.Contains(said[0], key) || strings.Count(said[0], path) != 1 {
			t.Errorf("%s in llama.cpp: %+v, said %q", key, m.Info(), said)
		}
		m.Close()
	}
	path := withSetting(t, "llama.attention.key_length", uint32(8))
	m, err := (&Registry{Dir: t.TempDir(), Device: "cpu"}).Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Info().Numerics != transformer.Numerics {
		t.Errorf("%+v", m.Info())
	}
}

// TestErrorsNameFile: what is wrong with a model file is said with its name, once.
func TestErrorsNameFile(t *testing.T) {
	dir := t.TempDir()
	r := &Registry{Dir: filepath.Join(dir, "models"), Device: "cpu", Runtime: RuntimeNative}
	whole, err := os.ReadFile(withSetting(t, "general.description", "x"))
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"cut off":  filepath.Join(dir, "cut.gguf"),
		"short":    filepath.Join(dir, "short.gguf"),
		"split":    withSetting(t, "split.count", uint32(2)),
		"no kind":  withSetting(t, "general.architecture", uint32(1)),
		"no model": withSetting(t, "llama.block_count", "x"),
	} {
		switch name {
		case "cut off":
			write(t, path, whole[:len(whole)/2])
		case "short":
			write(t, path, whole[:7])
		}
		_, err := r.Open(t.Context(), path)
		if err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		if name == "no model" {
			continue // adding does not load it
		}
		if _, err := r.Add(t.Context(), AddOptions{Path: path}); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("adding, %s: %v", name, err)
		}
	}
}
