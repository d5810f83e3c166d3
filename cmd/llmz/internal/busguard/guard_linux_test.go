//go:build amd64 || arm64

package busguard

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCutOff cuts off a file that a child process has mapped.
func TestCutOff(t *testing.T) {
	const env = "LLMZ_TEST_CUT_OFF"
	if path := os.Getenv(env); path != "" {
		Install()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := unix.Mmap(int(f.Fd()), 0, 1<<16, unix.PROT_READ, unix.MAP_SHARED)
		if err == nil {
			err = f.Truncate(10)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Fatal("there is still something behind the end: ", b[1<<15])
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCutOff$")
	cmd.Env = append(os.Environ(), env+"="+path)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), message) || strings.Contains(string(out), "goroutine") {
		t.Errorf("%v, %q", err, out)
	}
}
