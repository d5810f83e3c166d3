//go:build linux || darwin

package main

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// A tty is llmz at work in an emulated terminal, which answers its questions.
type tty struct {
	t      *testing.T
	cmd    *exec.Cmd
	pty    *os.File
	screen *vt.SafeEmulator
	ended  chan struct{}

	mu      sync.Mutex
	written strings.Builder
}

// openTTY starts llmz in a terminal of w × h cells with that background.
func openTTY(t *testing.T, dir string, w, h int, background color.Color, args ...string) *tty {
	t.Helper()
	x := &tty{t: t, cmd: command(t, dir, args...), screen: vt.NewSafeEmulator(w, h), ended: make(chan struct{})}
	x.screen.SetBackgroundColor(background)
	x.cmd.Env = append(x.cmd.Env, "COLORTERM=truecolor", "HOME="+dir)
	var err error
	if x.pty, err = pty.StartWithSize(x.cmd, &pty.Winsize{Rows: uint16(h), Cols: uint16(w)}); err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.MultiWriter(x.screen, x), x.pty)
	}()
	go func() { _, _ = io.Copy(x.pty, x.screen) }()
	go func() {
		defer close(x.ended)
		_ = x.cmd.Wait()
		<-read
	}()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		<-x.ended
		_ = x.screen.Close()
		_ = x.pty.Close()
	})
	return x
}

// Write keeps all that the program writes.
func (x *tty) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.written.Write(p)
}

func (x *tty) shown() string { return ansi.Strip(x.screen.Render()) }

// shows waits until the screen has a pattern.
func (x *tty) shows(pattern string) {
	x.t.Helper()
	x.until(pattern, x.shown)
}

func (x *tty) until(pattern string, look func() string) {
	x.t.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if want.MatchString(look()) {
			return
		}
		over := false
		select {
		case <-x.ended:
			over = !want.MatchString(look())
		default:
		}
		if over || time.Now().After(end) {
			x.t.Fatalf("the screen never showed %s:\n%s", pattern, x.shown())
		}
	}
}

var ttyKeys = strings.NewReplacer("<enter>", "\r", "<esc>", "\x1b", "<up>", "\x1b[A", "<down>", "\x1b[B", "<right>", "\x1b[C", "<left>", "\x1b[D",
	"<end>", "\x1b[F", "<ctrl+c>", "\x03")

// types writes keys; special ones by name, in angle brackets.
func (x *tty) types(keys string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(ttyKeys.Replace(keys)); err != nil {
		x.t.Error(err)
	}
}

// clicks clicks on the first place with that text.
func (x *tty) clicks(what string) {
	x.t.Helper()
	for y, l := range strings.Split(x.shown(), "\n") {
		if at := strings.Index(l, what); at >= 0 {
			for _, end := range "Mm" {
				x.types(fmt.Sprintf("\x1b[<0;%d;%d%c", ansi.StringWidth(l[:at])+1, y+1, end))
			}
			return
		}
	}
	x.t.Fatalf("no %q on\n%s", what, x.shown())
}

func (x *tty) resize(w, h int) {
	x.t.Helper()
	x.screen.Resize(w, h)
	if err := pty.Setsize(x.pty, &pty.Winsize{Rows: uint16(h), Cols: uint16(w)}); err != nil {
		x.t.Error(err)
	}
}

// ends waits for the end of the program, which must have that exit code, and returns
// what it left on the screen.
func (x *tty) ends(code int) string {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(patience):
		x.t.Fatalf("it does not end:\n%s", x.shown())
	}
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Fatalf("exit code %d, not %d:\n%s", got, code, x.shown())
	}
	if x.screen.IsAltScreen() || x.screen.CursorHidden() {
		x.t.Error("the terminal is not as it was before")
	}
	return x.shown()
}

// withSmall returns a folder with a small file in it.
func withSmall(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	small, err := os.ReadFile("../../testdata/canterbury_small.bin")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "small.txt"), small, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
