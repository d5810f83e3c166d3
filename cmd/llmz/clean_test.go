//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startedWriting starts llmz, gives it some of its input, and waits until its partial
// file holds something. What the function it returns does is kill it.
func startedWriting(t *testing.T, dir string, input []byte, part string, args ...string) (name string, kill func()) {
	t.Helper()
	cmd := command(t, dir, args...)
	w, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go w.Write(input) // the pipe stays open: more could come
	for range 600 {
		names, _ := filepath.Glob(filepath.Join(dir, part))
		for _, name := range names {
			if fi, err := os.Stat(name); err == nil && fi.Size() > 0 {
				return filepath.Base(name), func() {
					cmd.Process.Kill()
					cmd.Wait()
				}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no %s appears", part)
	return "", nil
}

// TestKilled: what a killed run leaves is removed by the next one for the same output
// and by clean; what a living one writes is not.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	content := bigText(t, filepath.Join(dir, "big"), 200_000)
	llmz(t, dir, exitOK, nil, "-q", "-m", "none", "--block-size", "20k", "big")
	archive := readFile(t, filepath.Join(dir, "big.llmz"))
	half := archive[:len(archive)/2]
	decompress := []string{"-q", "-d", "-f", "-o", "out", "-"}

	first, kill := startedWriting(t, dir, half, ".llmz-*.part", decompress...)
	// Another run for the same output, and clean, leave it alone.
	llmz(t, dir, exitOK, nil, "-q", "-d", "-f", "-o", "out", "big.llmz")
	llmz(t, dir, exitOK, []string{"in use: " + first}, "clean", ".")
	if got := listing(t, dir); got != first+" big big.llmz out" {
		t.Errorf("there are %s", got)
	}
	kill()
	if got := listing(t, dir); got != first+" big big.llmz out" {
		t.Errorf("a kill leaves %s", got)
	}
	second, kill := startedWriting(t, dir, half, ".llmz-*.part", decompress...)
	kill()
	if first != second {
		t.Errorf("%s and %s", first, second)
	}
	llmz(t, dir, exitOK, nil, "-q", "-d", "-f", "-o", "out", "big.llmz")
	if got := listing(t, dir); got != "big big.llmz out" {
		t.Errorf("the next run leaves %s", got)
	}
	_, kill = startedWriting(t, dir, half, ".llmz-*.part", decompress...)
	kill()
	llmz(t, dir, exitOK, []string{"removed "}, "clean", ".")
	if got := listing(t, dir); got != "big big.llmz out" {
		t.Errorf("clean leaves %s", got)
	}

	// What can be gone on with is kept until it is, or -f is given.
	for _, name := range []string{"kept.llmz", strings.Repeat("n", 250)} {
		args := []string{"-q", "-m", "none", "--block-size", "20k", "-o", name}
		_, kill = startedWriting(t, dir, content[:100_000], "*.part", append(args, "-")...)
		kill()
		llmz(t, dir, exitOK, []string{"kept "}, "clean", ".")
		llmz(t, dir, exitOK, nil, append(args, "--resume", "big")...)
		llmz(t, dir, exitOK, nil, "-q", "-d", "-f", "-o", "out", name)
		if got := string(readFile(t, filepath.Join(dir, "out"))); got != string(content) {
			t.Errorf("%s: %d bytes came back", name, len(got))
		}
		os.Remove(filepath.Join(dir, name))
		_, kill = startedWriting(t, dir, content[:100_000], "*.part", append(args, "-")...)
		kill()
		llmz(t, dir, exitOK, []string{"removed "}, "clean", "-f", ".")
		if got := listing(t, dir); got != "big big.llmz out" {
			t.Errorf("clean -f leaves %s", got)
		}
	}
}
