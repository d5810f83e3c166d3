package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/session"
)

// What fails in a session comes with the key that helps, and what it does helps.
func TestSessionRemedies(t *testing.T) {
	dir := t.TempDir()
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	a.models.Dir = filepath.Join(dir, "models")
	b := &sessionBackend{a: a}
	run := func(task session.Task) (session.Outcome, error) {
		return b.run(t.Context(), task, feed.New("x", -1, nil))
	}
	in := filepath.Join(dir, "in.txt")
	content := strings.Repeat("the quick brown fox jumps over the lazy dog\n", 4000)
	if err := os.WriteFile(in, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	task := session.Task{Op: session.Compress, Path: in, Settings: session.Settings{Model: noModel, BlockSize: 64 << 10}}
	out, err := run(task)
	if err != nil {
		t.Fatal(err)
	}
	_, err = run(task)
	f := wantRemedy(t, err, session.Overwrite)
	if strings.Contains(f.Error(), "-f") || !errors.Is(err, filejob.ErrExists) {
		t.Errorf("%v", err)
	}
	task.Force = true
	if _, err := run(task); err != nil {
		t.Errorf("overwriting: %v", err)
	}

	data, err := os.ReadFile(out.Output)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0x55
	broken := filepath.Join(dir, "broken.txt.llmz")
	if err := os.WriteFile(broken, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = run(session.Task{Op: session.Test, Path: broken})
	if f := wantRemedy(t, err, session.Salvage); strings.Contains(f.Error(), "--salvage") {
		t.Errorf("%v", err)
	}
	saved, err := run(session.Task{Op: session.Decompress, Path: broken, Salvage: true})
	if err != nil || len(saved.Damaged) == 0 {
		t.Fatalf("salvaged with %v, %d damaged", err, len(saved.Damaged))
	}
	if got, err := os.ReadFile(filepath.Join(dir, "broken.txt")); err != nil || len(got) == 0 || len(got) >= len(content) {
		t.Errorf("%d of %d bytes restored, %v", len(got), len(content), err)
	}

	missing := func(name string) error { return fmt.Errorf("open: %w", &models.MissingError{Name: name}) }
	if f := wantRemedy(t, failure(task, missing("gpt2")), session.Get); f.Model != "gpt2" {
		t.Errorf("pull %q", f.Model)
	}
	if err := failure(task, missing("of-my-own")); errors.As(err, new(*session.Failure)) {
		t.Errorf("a remedy for a model that nobody knows: %v", err)
	}
	if free, place, err := b.space(); err != nil || free <= 0 || place != a.models.Dir {
		t.Errorf("%d free in %s, %v", free, place, err)
	}
}

func wantRemedy(t *testing.T, err error, r session.Remedy) *session.Failure {
	t.Helper()
	var f *session.Failure
	if !errors.As(err, &f) || f.Remedy != r {
		t.Fatalf("%v has no remedy %q", err, r)
	}
	return f
}
