//go:build linux || darwin

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
)

// Every view ends when its terminal is closed, and leaves nothing behind, whatever it
// was at.
func TestHangup(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "big.txt"), 4<<20)
	bigText(t, filepath.Join(dir, "small.txt"), 2000)
	for _, c := range []struct {
		name, sign string // what the view shows once it is at work
		args       []string
	}{
		{"progress", "ctrl+c stop", []string{"-m", "gru", "big.txt"}},
		{"race", "stop and rank", []string{"race", "-m", "gru,lstm", "big.txt"}},
		{"race that is over", "table stays", []string{"race", "-m", "none,zip-9", "small.txt"}},
		{"inspect at work", "over the content", []string{"inspect", "-m", "gru", "big.txt"}},
		{"inspect", "expected", []string{"inspect", "-m", "lstm", "small.txt"}},
		{"session", "1 Files", nil},
		{"train", "save and stop", []string{"train", "big.txt", "-o", "x.gguf", "--hidden", "16", "--embed", "8", "--minutes", "5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := command(t, dir, c.args...)
			cmd.Env = append(cmd.Env, "TERM=xterm-256color")
			terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 100})
			if err != nil {
				t.Skip("no pseudo-terminals here:", err)
			}
			defer terminal.Close()
			var seen strings.Builder
			buf := make([]byte, 4096)
			for !strings.Contains(ansi.Strip(seen.String()), c.sign) {
				n, err := terminal.Read(buf)
				seen.Write(buf[:n])
				if err != nil {
					t.Fatalf("it never showed %q:\n%s", c.sign, ansi.Strip(seen.String()))
				}
			}
			terminal.Close()
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ended:
			case <-time.After(patience):
				cmd.Process.Signal(syscall.SIGQUIT)
				t.Fatal("it goes on without its terminal")
			}
			for _, e := range strings.Fields(listing(t, dir)) {
				if strings.Contains(e, "llmz") || strings.Contains(e, "part") {
					t.Errorf("it left %s behind", e)
				}
			}
		})
	}
}
