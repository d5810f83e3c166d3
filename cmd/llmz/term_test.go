//go:build linux || darwin

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/llmz/llmz/engine/filejob"
)

// onTerminal runs llmz with a terminal as the named streams and returns what
// appears on it.
func onTerminal(t *testing.T, dir string, streams string, args ...string) (text string, code int) {
	t.Helper()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	defer terminal.Close()
	cmd := command(t, dir, args...)
	for _, s := range strings.Fields(streams) {
		switch s {
		case "in":
			cmd.Stdin = tty
		case "out":
			cmd.Stdout = tty
		case "err":
			cmd.Stderr = tty
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(terminal) // ends with an error when the child closes the terminal
		read <- string(b)
	}()
	err = cmd.Wait()
	return <-read, exitStatus(err)
}

// The inline view of a download, its summary, and its failure.
func TestPullOnTerminal(t *testing.T) {
	h := startHub(t)
	dir := t.TempDir()
	out, code := onTerminal(t, dir, "err", "models", "pull", pulledModel)
	plain := ansi.Strip(out)
	if code != exitOK || !strings.Contains(plain, pulledModel+".gguf") || !strings.Contains(plain, "518 kB in ") {
		t.Errorf("exit code %d, %q", code, plain)
	}
	h.wrong.Store(true)
	out, code = onTerminal(t, dir, "err", "models", "pull", "-f", pulledModel)
	if plain = ansi.Strip(out); code != exitFailed || !strings.Contains(plain, "digest differs") || !strings.Contains(plain, "thrown away") {
		t.Errorf("another file came: exit code %d, %q", code, plain)
	}
}

func TestTrainOnTerminal(t *testing.T) {
	args, output := tinyTraining(t)
	out, code := onTerminal(t, t.TempDir(), "err", append(args, "--updates", "60")...)
	plain := ansi.Strip(out)
	if code != exitOK || !filejob.Exists(output) || !strings.Contains(plain, "BPC on the text held out") || !strings.Contains(plain, "60 updates") {
		t.Errorf("exit code %d, %q", code, plain)
	}
}

func TestTerminal(t *testing.T) {
	small, err := os.ReadFile("../../testdata/canterbury_small.bin")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "small"), small, 0o644); err != nil {
		t.Fatal(err)
	}
	// Compressed data is never written to a terminal without -f.
	if text, code := onTerminal(t, dir, "out", "-c", "-m", "none", "small"); code != exitFailed || text != "" {
		t.Errorf("-c: exit code %d, %d bytes", code, len(text))
	}
	if text, code := onTerminal(t, dir, "out", "-cf", "-m", "none", "small"); code != exitOK || len(text) < 1000 {
		t.Errorf("-cf: exit code %d, %d bytes", code, len(text))
	}
	// Nor read from one.
	if _, code := onTerminal(t, dir, "in", "-dc"); code != exitFailed {
		t.Errorf("-d: exit code %d", code)
	}
	// Content is.
	if err := command(t, dir, "-q", "-m", "none", "small").Run(); err != nil {
		t.Fatal(err)
	}
	text, code := onTerminal(t, dir, "out", "-dc", "small.llmz")
	if code != exitOK || strings.ReplaceAll(text, "\r\n", "\n") != string(small) {
		t.Errorf("-dc: exit code %d, %d bytes", code, len(text))
	}
	// Plain lines rewrite nothing, wherever they go.
	text, code = onTerminal(t, dir, "err", "--no-tui", "--color", "never", "-m", "lstm", "-f", "small")
	if code != exitOK || strings.Contains(text, "\x1b") || !strings.Contains(text, "Encoding: 100%|") {
		t.Errorf("progress: exit code %d, %q", code, text)
	}
	if text, _ := onTerminal(t, dir, "err", "-q", "-m", "none", "-f", "small"); text != "" {
		t.Errorf("--quiet: %q", text)
	}
	// Errors have colours, unless NO_COLOR is set.
	if text, _ := onTerminal(t, dir, "err", "--no-tui", "missing"); !strings.Contains(text, "\x1b[31m") {
		t.Errorf("no colours: %q", text)
	}
	t.Setenv("NO_COLOR", "1")
	if text, _ := onTerminal(t, dir, "err", "--no-tui", "missing"); strings.Contains(text, "\x1b") {
		t.Errorf("colours: %q", text)
	}
}
