//go:build linux || darwin

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A viewRun is llmz in a terminal of its own, which answers questions late.
type viewRun struct {
	cmd      *exec.Cmd
	terminal *os.File
	tty      *os.File // kept to look at the terminal's state
	before   *term.State
	ended    chan error

	mu       sync.Mutex
	shown    bytes.Buffer
	answered int // questions that were answered
	closing  bool
}

// startView starts llmz in a terminal that answers after a time, 0 for never.
func startView(t *testing.T, dir string, answersAfter time.Duration, args ...string) *viewRun {
	t.Helper()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	v := &viewRun{cmd: command(t, dir, args...), terminal: terminal, tty: tty, ended: make(chan error, 1)}
	t.Cleanup(func() { v.cmd.Process.Kill(); terminal.Close(); tty.Close() })
	if v.before, err = term.GetState(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 80})
	v.cmd.Stdin, v.cmd.Stdout, v.cmd.Stderr = tty, tty, tty
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { v.ended <- v.cmd.Wait() }()
	go func() {
		buf := make([]byte, 4096)
		for asked := 0; ; {
			n, err := terminal.Read(buf)
			v.mu.Lock()
			v.shown.Write(buf[:n])
			questions := strings.Count(v.shown.String(), "\x1b[c")
			closing := v.closing
			v.mu.Unlock()
			if closing {
				terminal.Close() // here, as nothing reads it now
				return
			}
			if answersAfter > 0 && questions > asked {
				asked = questions
				time.AfterFunc(answersAfter, v.answer)
			}
			if err != nil {
				return
			}
		}
	}()
	return v
}

func (v *viewRun) answer() {
	v.mu.Lock()
	v.answered++
	v.mu.Unlock()
	v.terminal.WriteString("\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;4c")
}

func (v *viewRun) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.shown.String()
}

// wait waits until the view shows something, or has ended.
func (v *viewRun) wait(t *testing.T, what string) {
	t.Helper()
	for range 600 {
		if strings.Contains(v.text(), what) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%q never appears in %q", what, v.text())
}

// end waits for the program's end; hanging is told from being slow by half a minute.
func (v *viewRun) end(t *testing.T) {
	t.Helper()
	select {
	case <-v.ended:
	case <-time.After(30 * time.Second):
		t.Error("it stays alive")
		v.cmd.Process.Kill()
		<-v.ended
	}
}

// restored checks that the terminal is as the program found it.
func (v *viewRun) restored(t *testing.T) {
	t.Helper()
	after, err := term.GetState(int(v.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if *after != *v.before {
		t.Error("the terminal is left as the view needs it")
	}
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?1002h": "\x1b[?1002l", "\x1b[?2004h": "\x1b[?2004l", "\x1b[?25l": "\x1b[?25h"} {
		back := func() bool { shown := v.text(); return strings.LastIndex(shown, on) <= strings.LastIndex(shown, off) }
		for range 100 { // the last of it may still have to be read
			if back() {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if !back() {
			t.Errorf("%q is not taken back", on)
		}
	}
}

// viewCommands are command lines that open views, and what these show once they
// are at work.
func viewCommands(t *testing.T, dir string) map[string][]string {
	bigText(t, filepath.Join(dir, "big"), 3<<20)
	return map[string][]string{
		"progress": {"big", "-f", "-m", "gru", "-T", "1", "big"},
		"race":     {"race", "race", "big", "-m", "gru,lstm", "-T", "1"},
		"inspect":  {"big", "inspect", "-m", "gru", "-T", "1", "big"},
		"session":  {"Files"},
	}
}

// TestViewsEndBySignal: each view ends when it is told to, and leaves the terminal as
// it was.
func TestViewsEndBySignal(t *testing.T) {
	dir := t.TempDir()
	for name, args := range viewCommands(t, dir) {
		for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGABRT} {
			t.Run(name+" "+sig.String(), func(t *testing.T) {
				v := startView(t, dir, time.Millisecond, args[1:]...)
				v.wait(t, args[0])
				v.cmd.Process.Signal(sig)
				v.end(t)
				v.restored(t)
				if strings.Contains(v.text(), "goroutine ") {
					t.Error("a trace is shown")
				}
			})
		}
	}
}

// TestViewsEndWithTerminal: each view ends when its terminal is closed.
func TestViewsEndWithTerminal(t *testing.T) {
	dir := t.TempDir()
	for name, args := range viewCommands(t, dir) {
		t.Run(name, func(t *testing.T) {
			v := startView(t, dir, time.Millisecond, args[1:]...)
			v.wait(t, args[0])
			v.tty.Close()
			v.mu.Lock()
			v.closing = true
			v.mu.Unlock()
			v.terminal.WriteString("\t") // makes a view draw, so that reading ends
			v.end(t)
		})
	}
}

// TestLateAnswers: what a slow terminal answers is not left to the shell.
func TestLateAnswers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "small"), []byte("some text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"progress": {"", "-f", "-m", "none", "small"},
		"inspect":  {"small", "inspect", "-m", "none", "small"},
	} {
		t.Run(name, func(t *testing.T) {
			v := startView(t, dir, 900*time.Millisecond, args[1:]...)
			if args[0] != "" {
				v.wait(t, args[0])
				v.terminal.WriteString("q")
			}
			v.end(t)
			v.mu.Lock()
			defer v.mu.Unlock()
			if asked := strings.Count(v.shown.String(), "\x1b[c"); asked != v.answered || asked == 0 {
				t.Errorf("%d questions, %d answered before the end", asked, v.answered)
			}
		})
	}
}
