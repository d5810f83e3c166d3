package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// tinyModel returns the file of an LSTM with a few constant weights.
func tinyModel(t *testing.T, bias float32) []byte {
	t.Helper()
	const hidden, embed = 8, 8
	var w gguf.Writer
	w.Set("general.architecture", rnnArchitecture)
	w.Set("llmz.cell", "lstm")
	for key, n := range map[string]uint32{"llmz.layers": 1, "llmz.hidden": hidden, "llmz.embed": embed, "llmz.numerics": 1} {
		w.Set(key, n)
	}
	add := func(name string, shape ...int) {
		n := 1
		for _, s := range shape {
			n *= s
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = bias + float32(i%7)/16
		}
		w.AddFloat32s(name, shape, v)
	}
	add("embedding.weight", embed, 257)
	add("lstm.weight_ih_l0", embed, 4*hidden)
	add("lstm.weight_hh_l0", hidden, 4*hidden)
	add("lstm.bias_ih_l0", 4*hidden)
	add("lstm.bias_hh_l0", 4*hidden)
	add("fc.weight", hidden, 256)
	add("fc.bias", 256)
	return gguftest.Bytes(t, &w)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBundled(t *testing.T) {
	for _, name := range BundledNames() {
		m, err := Bundled(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		info := m.Info()
		b, _ := findBundled(name)
		want := sha256.Sum256(b.data())
		if info.Name != name || !info.Bundled || info.Portability != predict.Portable || !bytes.Equal(info.Digest, want[:]) {
			t.Errorf("%s: %+v, want digest %x", name, info, want)
		}
		for _, n := range []int{32, 8} {
			r, err := NewRegistry().Resolve(t.Context(), predict.Ref{Name: "other", Digest: info.Digest[:n], Runtime: info.Runtime})
			if err != nil || r.Info().Name != name {
				t.Errorf("resolving %s by %d digest bytes: %v", name, n, err)
			}
		}
	}
	if _, err := Bundled(t.Context(), "nosuch"); !errors.Is(err, predict.ErrModelMissing) {
		t.Errorf("unknown bundled model: %v", err)
	}
	if m, err := Bundled(t.Context(), "gru"); err != nil || m.Info().Parameters != 4302208 {
		t.Errorf("gru: %v, %+v", err, m.Info())
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	r := &Registry{Dir: filepath.Join(dir, "models")}
	write(t, filepath.Join(r.Dir, "mine.gguf"), tinyModel(t, 0))
	write(t, filepath.Join(dir, "elsewhere.gguf"), tinyModel(t, 0.25))
	write(t, filepath.Join(dir, "broken.gguf"), []byte("GGUF but not really"))
	for _, tc := range []struct {
		name string
		want error // nil: opens
	}{
		{"gru", nil},
		{"mine", nil},
		{filepath.Join(dir, "elsewhere.gguf"), nil},
		{"nosuch", predict.ErrModelMissing},
		{"nosuch.gguf", predict.ErrModelMissing},
		{dir + "/", predict.ErrModelMissing},
		{filepath.Join(dir, "broken.gguf"), gguf.ErrFormat},
	} {
		m, err := r.Open(t.Context(), tc.name)
		if !errors.Is(err, tc.want) || err == nil && m.Info().Name == "" {
			t.Errorf("Open(%q): %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	r := &Registry{Dir: filepath.Join(dir, "models")}
	old, other := tinyModel(t, 0), tinyModel(t, 0.5)
	sum := sha256.Sum256(old)
	ref := predict.Ref{Name: "gru", Digest: sum[:8]}

	// Weights of another release of a bundled model.
	_, err := r.Resolve(t.Context(), ref)
	var missing *MissingError
	if !errors.As(err, &missing) || !errors.Is(err, predict.ErrModelMissing) || !errors.Is(err, predict.ErrMismatch) {
		t.Fatalf("other weights: %v", err)
	}
	if !strings.Contains(err.Error(), brief(sum[:])) || !strings.Contains(missing.Hint(), r.Dir) {
		t.Errorf("%v; hint: %s", err, missing.Hint())
	}

	// Found by digest, whatever the file is called.
	write(t, filepath.Join(r.Dir, "a.gguf"), other)
	write(t, filepath.Join(r.Dir, "gru-old.gguf"), old)
	m, err := r.Resolve(t.Context(), ref)
	if err != nil || !bytes.Equal(m.Info().Digest, sum[:]) {
		t.Fatalf("by digest: %v", err)
	}
	if e, err := r.Lookup(t.Context(), ref); err != nil || e.Digest != sum || e.Name != "gru-old" {
		t.Errorf("Lookup: %+v, %v", e, err)
	}

	// A model under the right name is not enough.
	otherSum := sha256.Sum256([]byte("no model"))
	_, err = r.Resolve(t.Context(), predict.Ref{Name: "a", Digest: otherSum[:]})
	if !errors.Is(err, predict.ErrMismatch) {
		t.Errorf("same name, other digest: %v", err)
	}
	_, err = r.Resolve(t.Context(), predict.Ref{Name: "unheard", Digest: otherSum[:]})
	if !errors.Is(err, predict.ErrModelMissing) || errors.Is(err, predict.ErrMismatch) {
		t.Errorf("unknown: %v", err)
	}
	// A digest that is too short matches nothing, not everything.
	for _, d := range [][]byte{nil, sum[:7], append(sum[:], 0)} {
		if _, err := r.Resolve(t.Context(), predict.Ref{Name: "gru", Digest: d}); err == nil {
			t.Errorf("digest %x resolves", d)
		}
	}

	// A file that the user names counts first, wherever it is.
	r = &Registry{Dir: filepath.Join(dir, "empty")}
	path := filepath.Join(dir, "kept.gguf")
	write(t, path, old)
	if err := r.Prefer(path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), ref); err != nil {
		t.Errorf("preferred: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Resolve(ctx, ref); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestList(t *testing.T) {
	r := &Registry{Dir: t.TempDir()}
	write(t, filepath.Join(r.Dir, "mine.gguf"), tinyModel(t, 0))
	write(t, filepath.Join(r.Dir, "broken.gguf"), []byte("no"))
	write(t, filepath.Join(r.Dir, "notes.txt"), []byte("no model"))
	list, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Entry{}
	for _, e := range list {
		got[e.Name] = e
	}
	if len(got) != len(BundledNames())+2 {
		t.Fatalf("%d entries: %v", len(got), list)
	}
	if e := got["mine"]; e.Problem != nil || e.Architecture != rnnArchitecture || e.Metadata["llmz.hidden"] != "8" || e.Digest == [32]byte{} {
		t.Errorf("mine: %+v", e)
	}
	if got["broken"].Problem == nil {
		t.Error("broken file without a problem")
	}
	if e := got["gru"]; !e.Bundled || e.Parameters != 4302208 {
		t.Errorf("gru: %+v", e)
	}
}
