//go:build linux || darwin

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/llmz/llmz/engine/archive"
)

// TestMemoryIsAskedFor decodes an archive that needs more memory than fits its length: a person
// is asked, a script refused.
func TestMemoryIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, &archive.Header{Model: &archive.Model{Name: "m", Digest: make([]byte, 32), Tokens: true}})
	if err == nil {
		err = w.WriteBlock(&archive.Block{Length: 1 << 28, Symbols: 1 << 28, Lanes: 1, Whole: true}, make([]byte, 20))
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "much.llmz"), b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, dir, "-t", "much.llmz").CombinedOutput(); exitStatus(err) != exitFailed || !strings.Contains(string(out), "with -M") {
		t.Errorf("a script: %v: %s", err, out)
	}
	for _, c := range []struct {
		answer string
		args   []string
		code   int
		words  string
	}{
		{"n\n", []string{"-t", "much.llmz"}, exitFailed, "not started"},
		{"\n", []string{"-dc", "much.llmz"}, exitFailed, "Start? [y/N]"},
		{"y\n", []string{"-t", "much.llmz"}, exitMissing, "Start? [y/N]"}, // then it turns out that there is no such model
		{"", []string{"-M", "4GiB", "-t", "much.llmz"}, exitMissing, "model"},
	} {
		terminal, tty, err := pty.Open()
		if err != nil {
			t.Skip("no pseudo-terminals here:", err)
		}
		cmd := command(t, dir, append([]string{"--no-tui"}, c.args...)...)
		cmd.Stdin, cmd.Stderr = tty, tty
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		tty.Close()
		io.WriteString(terminal, c.answer)
		said := make(chan string)
		go func() {
			out, _ := io.ReadAll(terminal)
			said <- string(out)
		}()
		code := exitStatus(cmd.Wait())
		if out := <-said; code != c.code || !strings.Contains(out, c.words) {
			t.Errorf("%q to %v: exit code %d, want %d: %s", c.answer, c.args, code, c.code, out)
		}
		terminal.Close()
	}
}
