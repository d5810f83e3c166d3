//go:build unix && !aix && !solaris

package filejob

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
)

// Jobs on named pipes whose other end nobody opens, reads or writes end with their
// context.
func TestInterruptPipes(t *testing.T) {
	dir := t.TempDir()
	pipe, file, archive := filepath.Join(dir, "pipe"), filepath.Join(dir, "file"), filepath.Join(dir, "file.llmz")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	if err := os.WriteFile(file, make([]byte, 100<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	write := engine.Options{NoModel: true}
	if _, err := Run(t.Context(), Job{Op: Compress, Input: file, Write: write}); err != nil {
		t.Fatal(err)
	}
	stop := func(name string, job Job) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		job.Write, job.Force = write, true
		if _, err := Run(ctx, job); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop("opening to compress", Job{Op: Compress, Input: pipe, Output: file + "2"})
	stop("opening to test", Job{Op: Test, Input: pipe})
	stop("opening to write", Job{Op: Decompress, Input: archive, Output: pipe})

	both, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	stop("reading", Job{Op: Compress, Input: pipe, Output: file + "2"})
	stop("writing", Job{Op: Decompress, Input: archive, Output: pipe})
	wantDir(t, dir, "file file.llmz pipe")
}
