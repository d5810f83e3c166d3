package trainer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadSources(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"d/b.txt": "second", "d/a/x.txt": "first", "d/.git/config": "hidden", "d/.hidden": "hidden", "f.log": "file",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{filepath.Join(dir, "d"), filepath.Join(dir, "f.log"), "-"}
	got, err := LoadSources(context.Background(), paths, []float64{1, 2, 3}, strings.NewReader("piped"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"first\n\n\nsecond", "file", "piped"} {
		if string(got[i].Data) != want || got[i].Weight != float64(i+1) {
			t.Errorf("source %d: %q with weight %v, want %q", i, got[i].Data, got[i].Weight, want)
		}
	}
	if _, err := LoadSources(context.Background(), []string{filepath.Join(dir, "none")}, nil, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	for _, weights := range [][]float64{{1}, {1, 0, 1}} {
		if _, err := LoadSources(context.Background(), paths, weights, strings.NewReader("")); err == nil {
			t.Errorf("weights %v were accepted", weights)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := LoadSources(ctx, paths[:1], nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
