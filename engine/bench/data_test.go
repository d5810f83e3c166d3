package bench

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func read(t *testing.T, d Data) string {
	t.Helper()
	r, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.Size(); err != nil || n != int64(len(b)) {
		t.Errorf("%s: Size is %d (%v), read %d bytes", d.Name, n, err, len(b))
	}
	return string(b)
}

func TestData(t *testing.T) {
	d := sampleFile(t, "Hello, World! é")
	if got := read(t, d); got != "Hello, World! é" {
		t.Errorf("whole: %q", got)
	}
	if got := read(t, d.Control()); got != "Uryyb, Jbeyq! é" {
		t.Errorf("rot13: %q", got)
	}
	if got := read(t, d.Prefix(5)); got != "Hello" {
		t.Errorf("prefix: %q", got)
	}
	if got := read(t, d.Prefix(5).Control()); got != "Uryyb" {
		t.Errorf("both: %q", got)
	}
	if got := read(t, d.Prefix(1000)); got != "Hello, World! é" {
		t.Errorf("long prefix: %q", got)
	}
	if !d.Whole() || d.Prefix(5).Whole() || d.Control().Whole() {
		t.Error("Whole is wrong")
	}
	if !sampleFile(t, "It was the best of times").IsText() || sampleFile(t, "a\x00b").IsText() || sampleFile(t, "").IsText() || sampleFile(t, "1234567890").IsText() {
		t.Error("IsText is wrong")
	}
}

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"b.txt": "b", "sub/a.txt": "a", ".hidden": "h", ".git/config": "g", "empty": "", "b.txt.llmz": "z"} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Collect([]string{filepath.Join(dir, "b.txt.llmz"), dir})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	if len(names) != 3 || names[0] != "b.txt.llmz" || names[1] != "b.txt" || names[2] != "sub/a.txt" {
		t.Errorf("collected %q", names)
	}
	if _, err := Collect([]string{filepath.Join(dir, "nothing")}); err == nil {
		t.Error("a missing file was accepted")
	}
	if _, err := Collect([]string{t.TempDir()}); err == nil {
		t.Error("an empty directory was accepted")
	}
}
