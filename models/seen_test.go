package models

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// TestSeen: a model used by its path is found again there, and nothing else is taken
// for it.
func TestSeen(t *testing.T) {
	dir := t.TempDir()
	store, path := filepath.Join(dir, "store"), filepath.Join(dir, "mine.gguf")
	model := tinyModel(t, 0) // not the same bytes each time
	write(t, path, model)
	r := &Registry{Dir: store}
	m, err := r.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ref := m.Info().Ref
	if o := r.OriginOf(m.Info()); o.Path != path || o.Stored {
		t.Errorf("%+v", o)
	}
	resolve := func() error {
		t.Helper()
		_, err := (&Registry{Dir: store}).Resolve(t.Context(), ref)
		return err
	}
	if err := resolve(); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(store, seenDir)); err != nil || fi.Mode().Perm()&0o077 != 0 {
		t.Errorf("who may look: %v, %v", fi.Mode(), err)
	}
	os.Remove(path)
	for _, now := range []func(){
		func() {},
		func() { write(t, path, tinyModel(t, 1)) },
		func() { os.Remove(path); os.Mkdir(path, 0o755) },
	} {
		now()
		if err := resolve(); !errors.Is(err, predict.ErrModelMissing) || !strings.Contains(err.(*MissingError).Hint(), path) {
			t.Errorf("got %v", err)
		}
	}
	// Wherever it is used next, it is found from then on.
	other := filepath.Join(dir, "other.gguf")
	write(t, other, model)
	r = &Registry{Dir: store}
	if err := r.Prefer(other); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if err := resolve(); err != nil {
		t.Error(err)
	}
	// What is written down is a hint, and no more.
	for _, garbage := range []string{"", "{", `{"paths":["` + dir + `"]}`} {
		write(t, r.seenFile(ref.Digest), []byte(garbage))
		if err := resolve(); !errors.Is(err, predict.ErrModelMissing) {
			t.Errorf("%q: %v", garbage, err)
		}
	}
}

func TestAdd(t *testing.T) {
	dir := t.TempDir()
	r := &Registry{Dir: filepath.Join(dir, "store")}
	path := filepath.Join(dir, "mine.gguf")
	write(t, path, tinyModel(t, 0))
	p, err := r.Add(t.Context(), AddOptions{Path: path})
	if err != nil || p.Name != "mine" {
		t.Fatalf("%+v, %v", p, err)
	}
	os.Remove(path)
	m, err := r.Open(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	if o := r.OriginOf(m.Info()); !o.Stored {
		t.Errorf("%+v", o)
	}
	// The same model opened elsewhere is kept as well.
	stored, err := os.ReadFile(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, stored)
	if m, err = r.Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if o := r.OriginOf(m.Info()); !o.Stored {
		t.Errorf("a copy of what is stored: %+v", o)
	}
	write(t, path, tinyModel(t, 1))
	if _, err := r.Add(t.Context(), AddOptions{Path: path}); !errors.Is(err, ErrExists) {
		t.Errorf("another of that name: %v", err)
	}
	for _, name := range []string{"gru", "none", ".x", "-x", "a/b", `a\b`, "x.gguf", "a\nb"} {
		if _, err := r.Add(t.Context(), AddOptions{Path: path, Name: name}); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	for name, want := range map[string]bool{"other": true, "mine": true} {
		if _, err := r.Add(t.Context(), AddOptions{Path: path, Name: name, Force: true}); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	write(t, path, []byte("no model"))
	if _, err := r.Add(t.Context(), AddOptions{Path: path, Name: "no"}); err == nil {
		t.Error("a file that is no model was added")
	}
}
