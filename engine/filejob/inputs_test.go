package filejob

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestInputsAreNotOverwritten names inputs as outputs in all ways.
func TestInputsAreNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	writeFile(t, a, text(2000))
	writeFile(t, b, text(3000))
	hard, soft := filepath.Join(dir, "hard"), filepath.Join(dir, "soft")
	outputs := []string{b, dir + "/./b", dir + "/x/../b"}
	if os.Link(b, hard) == nil {
		outputs = append(outputs, hard)
	}
	if os.Symlink(b, soft) == nil {
		outputs = append(outputs, soft)
	}
	os.Mkdir(filepath.Join(dir, "x"), 0o755)
	for _, out := range outputs {
		job := compressJob(a)
		job.Output, job.Force, job.Siblings = out, true, NewInputs(a, b)
		if _, err := Run(t.Context(), job); !errors.Is(err, ErrIsInput) {
			t.Errorf("%s: %v", out, err)
		}
	}
	wantFile(t, b, text(3000))
	// An input that was replaced after the inputs had been looked at is still one.
	inputs := NewInputs(a, b)
	job := compressJob(a)
	job.Output, job.Force, job.Siblings = b, true, inputs
	if _, err := Run(t.Context(), job); !errors.Is(err, ErrIsInput) {
		t.Fatal(err)
	}
	os.Remove(b)
	writeFile(t, b, text(1000))
	if _, err := Run(t.Context(), job); !errors.Is(err, ErrIsInput) {
		t.Errorf("a replaced input: %v", err)
	}
	wantFile(t, b, text(1000))
	// What took the place of an input that is gone is none.
	os.Remove(b)
	other := filepath.Join(dir, "other")
	writeFile(t, other, text(100)) // maybe where b was
	job.Output = other
	if _, err := Run(t.Context(), job); err != nil {
		t.Error(err)
	}
}

// TestManyInputs makes sure that inputs are looked at once: with their square it would take
// a hundred million looks.
func TestManyInputs(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range 20 {
		p := filepath.Join(dir, fmt.Sprint(i))
		writeFile(t, p, text(10))
		paths = append(paths, p)
	}
	many := append([]string{}, paths...)
	for i := range 10_000 {
		many = append(many, dir+"/./"+filepath.Base(paths[i%len(paths)]))
	}
	inputs := NewInputs(many...)
	out := filepath.Join(dir, "out")
	writeFile(t, out, nil)
	fi, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		if inputs.hold(out, fi, paths[0]) {
			t.Fatal("the output is no input")
		}
	}
}
