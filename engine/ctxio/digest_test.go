package ctxio

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestFileSHA256(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{0, 1, chunk - 1, chunk, 3*chunk + 5} {
		content := bytes.Repeat([]byte{'a', 'b', 'c'}, n/3+1)[:n]
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if sum, err := FileSHA256(t.Context(), path); err != nil || sum != sha256.Sum256(content) {
			t.Errorf("%d bytes: %x, %v", n, sum, err)
		}
		if b, err := io.ReadAll(FileReader(t.Context(), bytes.NewReader(content))); err != nil || !bytes.Equal(b, content) {
			t.Errorf("%d bytes are read as %d, %v", n, len(b), err)
		}
	}
	if _, err := FileSHA256(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := FileSHA256(t.Context(), dir); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a folder: %v", err)
	}
}

// endless reads for ever, and ends the context after some reads.
type endless struct {
	left int
	stop func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left--; e.left == 0 {
		e.stop()
	}
	return len(p), nil
}

// A digest ends with its context, and tells why that ended.
func TestDigestEnds(t *testing.T) {
	reason := errors.New("enough")
	for _, reads := range []int{1, 2, 7} {
		ctx, stop := context.WithCancelCause(t.Context())
		f := &endless{left: reads, stop: func() { stop(reason) }}
		if _, err := SHA256(ctx, f); !errors.Is(err, reason) || f.left != 0 {
			t.Errorf("after %d reads: %v, %d reads more than that", reads, err, -f.left)
		}
	}
}
