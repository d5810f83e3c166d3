//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
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
	for name, part := range map[string]string{"kept.llmz": "kept.llmz.part", strings.Repeat("n", 250): "n*.part", strings.Repeat("m", 253): ".llmz-*.keep.part"} {
		args := []string{"-q", "-m", "none", "--block-size", "20k", "-o", name}
		_, kill = startedWriting(t, dir, content[:100_000], part, append(args, "-")...)
		kill()
		llmz(t, dir, exitOK, []string{"kept "}, "clean", ".")
		llmz(t, dir, exitOK, nil, append(args, "--resume", "big")...)
		llmz(t, dir, exitOK, nil, "-q", "-d", "-f", "-o", "out", name)
		if got := string(readFile(t, filepath.Join(dir, "out"))); got != string(content) {
			t.Errorf("%s: %d bytes came back", name, len(got))
		}
		os.Remove(filepath.Join(dir, name))
		_, kill = startedWriting(t, dir, content[:100_000], part, append(args, "-")...)
		kill()
		llmz(t, dir, exitOK, []string{"removed "}, "clean", "-f", ".")
		if got := listing(t, dir); got != "big big.llmz out" {
			t.Errorf("clean -f leaves %s", got)
		}
	}
}

// TestKilledEarly kills runs before they have written anything: the next run for the same
// output, plain or with --resume, or clean removes what is left.
func TestKilledEarly(t *testing.T) {
	for _, args := range [][]string{{"-q", "-m", "none"}, {"-q", "-m", "none", "--resume"}, {"-q", "-m", "none", "-o", strings.Repeat("n", 253)}} {
		for _, next := range [][]string{args, {"-q", "-m", "none", "--resume"}, {"clean", "."}} {
			dir := t.TempDir()
			bigText(t, filepath.Join(dir, "in.txt"), 3000)
			cmd := command(t, dir, append(args, "-o", "in.llmz", "-")...)
			if slices.Contains(args, "-o") {
				cmd = command(t, dir, append(args, "-")...)
			}
			in, err := cmd.StdinPipe() // nothing comes
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			for range 600 {
				if names, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(names) > 0 {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			cmd.Process.Kill()
			cmd.Wait()
			in.Close()
			if next[0] == "clean" {
				llmz(t, dir, exitOK, []string{"removed "}, next...)
			} else if slices.Contains(args, "-o") {
				llmz(t, dir, exitOK, nil, append(next, "-f", args[len(args)-2], args[len(args)-1], "in.txt")...)
			} else {
				llmz(t, dir, exitOK, nil, append(next, "-o", "in.llmz", "in.txt")...)
			}
			if got := listing(t, dir); strings.Contains(got, ".part") {
				t.Errorf("%v, then %v: there are %s", args, next, got)
			}
		}
	}
}

// TestCleanKeepsWhatIsTheirs: files that only look like partial ones stay, whole archives
// under such a name, too.
func TestCleanKeepsWhatIsTheirs(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "in"), 3000)
	llmz(t, dir, exitOK, nil, "-q", "-m", "none", "-o", "whole.llmz.part", "in")
	archive := readFile(t, filepath.Join(dir, "whole.llmz.part"))
	for _, name := range []string{".llmz-foo.part", ".llmz-my-notes.part", "empty.llmz.part", "movie.part", "two.llmz.part"} {
		content := []byte("precious")
		switch name {
		case "empty.llmz.part":
			content = nil
		case "two.llmz.part":
			content = append(archive, archive...)
		}
		writeFile(t, filepath.Join(dir, name), content)
	}
	before := listing(t, dir)
	llmz(t, dir, exitOK, nil, "clean", ".")
	llmz(t, dir, exitOK, nil, "clean", "-f", ".")
	if got := listing(t, dir); got != before {
		t.Errorf("of %s there are %s left", before, got)
	}
}
