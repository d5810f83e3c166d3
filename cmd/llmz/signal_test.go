//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a child process may run.
var patience = 5 * time.Minute

// command returns llmz as a child process that runs in dir and is killed should
// it hang.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), runMainEnv+"=1", "LLMZ_DATA_DIR="+filepath.Join(dir, ".data"), "TMPDIR="+dir)
	return cmd
}

func exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != ".data" { // what the program keeps for itself
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// bigText writes a compressible file of n bytes.
func bigText(t *testing.T, path string, n int) []byte {
	t.Helper()
	alice, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Repeat(alice, n/len(alice)+1)[:n]
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestInterruptReading interrupts a job that waits for input.
func TestInterruptReading(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		cmd := command(t, dir, "--json=events", "-m", "none", "--block-size", "1000", "-o", "out.llmz")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, strings.Repeat("once upon a time ", 1000))
		waitFor(t, out, `"type":"block"`)
		cmd.Process.Signal(sig)
		io.Copy(io.Discard, out)
		if code := exitStatus(cmd.Wait()); code != exitInterrupted {
			t.Errorf("%v: exit code %d", sig, code)
		}
		in.Close()
		if got := listing(t, dir); got != "" {
			t.Errorf("%v leaves %s", sig, got)
		}
	}
}

// TestIgnoredSignals sends signals that whoever started the job wants ignored.
func TestIgnoredSignals(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "big"), 500<<10)
	cmd := command(t, dir, "--json=events", "-q", "-m", "none", "big")
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	cmd.Path, cmd.Args = sh, append([]string{"sh", "-c", `trap '' HUP INT; exec "$@"`, "sh"}, cmd.Args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, out, `"type":"progress"`)
	cmd.Process.Signal(syscall.SIGHUP)
	cmd.Process.Signal(os.Interrupt)
	io.Copy(io.Discard, out)
	if code := exitStatus(cmd.Wait()); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if got := listing(t, dir); got != "big big.llmz" {
		t.Errorf("there is %s", got)
	}
}

// TestBrokenPipe stops reading what jobs write: they end as by SIGPIPE, without a word,
// and clean up.
func TestBrokenPipe(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "big"), 300<<10)
	if err := command(t, dir, "-q", "-m", "none", "--block-size", "50K", "big").Run(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--json=events", "-m", "none", "--block-size", "10K", "-o", "out", "big"},
		{"-c", "-q", "-m", "none", "--block-size", "1K", "big"},
		{"-dcq", "big.llmz"},
		{"cat", "big.llmz"},
		{"cat", "--bytes", "100-", "big.llmz"},
	} {
		cmd := command(t, dir, args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(out, make([]byte, 1))
		out.Close()
		cmd.Wait()
		if s := cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGPIPE {
			t.Errorf("%q: %v", args, cmd.ProcessState)
		}
		if said.Len() > 0 {
			t.Errorf("%q says %q", args, said.String())
		}
		if got := listing(t, dir); got != "big big.llmz" {
			t.Errorf("%q leaves %s", args, got)
		}
	}
	// A pipe that is not written to does not hide what is wrong.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := command(t, dir, "nosuch")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &said
	if code := exitStatus(cmd.Run()); code != exitFailed || !strings.Contains(said.String(), "nosuch") {
		t.Errorf("exit code %d, %q", code, said.String())
	}
}

// TestInterruptWorking interrupts jobs that compute, in both directions.
func TestInterruptWorking(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "big"), 500<<10)
	interrupt := func(args ...string) {
		t.Helper()
		cmd := command(t, dir, append([]string{"--json=events"}, args...)...)
		if code := signalAt(t, cmd, `"type":"progress"`, os.Interrupt); code != exitInterrupted {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	interrupt("-m", "none", "big")
	if got := listing(t, dir); got != "big" {
		t.Fatalf("compressing leaves %s", got)
	}
	// Several small blocks decode for long enough to be interrupted, too.
	if err := command(t, dir, "-q", "-m", "none", "big").Run(); err != nil {
		t.Fatal(err)
	}
	interrupt("-d", "-o", "out", "big.llmz")
	if got := listing(t, dir); got != "big big.llmz" {
		t.Errorf("decompressing leaves %s", got)
	}
}

// signalAt runs cmd, sends it sig once its output has a line with want, and returns
// its exit code.
func signalAt(t *testing.T, cmd *exec.Cmd, want string, sig os.Signal) int {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, out, want)
	cmd.Process.Signal(sig)
	io.Copy(io.Discard, out)
	return exitStatus(cmd.Wait())
}

// waitFor reads lines until one contains want.
func waitFor(t *testing.T, r io.Reader, want string) {
	t.Helper()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, want) {
			return
		}
		if err != nil {
			t.Fatalf("no %s: %v", want, err)
		}
	}
}

// TestResume kills a compression without warning, then goes on from what is on
// disk: the archive is the one an undisturbed run makes.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	content := bigText(t, filepath.Join(dir, "big"), 320<<10)
	flags := []string{"--json=events", "-m", "none", "--block-size", "20KiB", "-T", "1"}
	if err := command(t, dir, append(flags, "-o", "whole.llmz", "big")...).Run(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "whole.llmz"))
	if err != nil {
		t.Fatal(err)
	}
	start := func(sig os.Signal, args ...string) int {
		cmd := command(t, dir, append(flags, args...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, out, `"type":"block"`)
		waitFor(t, out, `"type":"block"`)
		cmd.Process.Signal(sig)
		io.Copy(io.Discard, out)
		return exitStatus(cmd.Wait())
	}
	part := filepath.Join(dir, "big.llmz.part")
	start(os.Kill, "big")
	if _, err := os.Stat(part); err != nil {
		t.Fatal("a killed run leaves no partial output")
	}
	// Another run leaves it alone and says so.
	cmd := command(t, dir, "-m", "none", "big")
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "--resume") {
		t.Fatalf("%v: %s", err, text)
	}
	os.Remove(filepath.Join(dir, "big.llmz"))
	// An interrupted --resume keeps what it has.
	if code := start(os.Interrupt, "--resume", "big"); code != exitInterrupted {
		t.Fatalf("exit code %d", code)
	}
	before, err := os.Stat(part)
	if err != nil {
		t.Fatal("an interrupted --resume leaves no partial output")
	}
	// So does one that is cut off in the middle of a block.
	if err := os.Truncate(part, before.Size()-100); err != nil {
		t.Fatal(err)
	}
	cmd = command(t, dir, append(flags, "--resume", "big")...)
	text, err = cmd.Output()
	if err != nil || !strings.Contains(string(text), `"resumed_bytes":`) {
		t.Fatalf("%v: %s", err, text)
	}
	got, err := os.ReadFile(filepath.Join(dir, "big.llmz"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, whole) {
		t.Error("the resumed archive is not the one of an undisturbed run")
	}
	if names := listing(t, dir); names != "big big.llmz whole.llmz" {
		t.Errorf("left: %s", names)
	}

	// Another input than the one the partial output was made from is refused, and
	// the partial output kept.
	os.Remove(filepath.Join(dir, "big.llmz"))
	start(os.Kill, "big")
	saved, err := os.ReadFile(part)
	if err != nil {
		t.Fatal(err)
	}
	content[10] ^= 1
	if err := os.WriteFile(filepath.Join(dir, "big"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	if code := exitStatus(command(t, dir, append(flags, "--resume", "big")...).Run()); code != exitFailed {
		t.Errorf("another input: exit code %d", code)
	}
	if now, err := os.ReadFile(part); err != nil || !bytes.Equal(now, saved) {
		t.Errorf("another input: the partial output has changed: %v", err)
	}

	// An output that is itself cut off is gone on with, too.
	os.Remove(part)
	content[10] ^= 1
	if err := os.WriteFile(filepath.Join(dir, "big"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "big.llmz"), whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := command(t, dir, append(flags, "--resume", "big")...).Run(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "big.llmz")); err != nil || len(got) != len(whole) {
		t.Errorf("cut off output: %v, %d bytes, want %d", err, len(got), len(whole))
	}
	// One that is complete is an error, as without --resume.
	if code := exitStatus(command(t, dir, append(flags, "--resume", "big")...).Run()); code != exitFailed {
		t.Errorf("complete output: exit code %d", code)
	}
}
