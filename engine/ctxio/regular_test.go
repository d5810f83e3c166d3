//go:build unix

package ctxio

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestNamedPipes(t *testing.T) {
	dir := t.TempDir()
	pipe, file, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	if err := os.WriteFile(file, []byte("some bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, dir, os.DevNull} {
		if _, err := OpenRegular(path); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if f, err := OpenRegular(file); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	if b, err := ReadFile(t.Context(), file); err != nil || string(b) != "some bytes" {
		t.Errorf("%q, %v", b, err)
	}
	// Nobody writes.
	for _, path := range []string{pipe, link} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := ReadFile(ctx, path); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// Somebody opens it and says nothing.
	other, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := ReadFile(ctx, pipe); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// Somebody writes. The other pipe has readers that were given up on and would take it, and no
	// writer who waits for this one.
	spoken := filepath.Join(dir, "spoken")
	if err := syscall.Mkfifo(spoken, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		w, err := os.OpenFile(spoken, os.O_WRONLY, 0)
		if err == nil {
			w.WriteString("hello")
			w.Close()
		}
	}()
	if b, err := ReadFile(t.Context(), spoken); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestReadFileEnds: the reading of a file ends with the context, however long the file.
func TestReadFileEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip("no such files here:", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b, err := ReadFile(ctx, path); !errors.Is(err, context.Canceled) || len(b) > 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// TestReadRegularBound: what is larger than it can be is not read.
func TestReadRegularBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for size := range int64(6) {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := ReadRegular(path, 4)
		if size <= 4 && (err != nil || int64(len(b)) != size) || size > 4 && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes: %d, %v", size, len(b), err)
		}
	}
}
