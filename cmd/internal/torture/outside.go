package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/testdata"
)

// run runs llmz, and says what is wrong with how it ended.
func (t *tortured) run(dir string, codes []int, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(t.ctx, t.llmz, args...)
	cmd.Dir, cmd.Env = dir, t.env()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var hung atomic.Bool
	watch := startWatch(cmd.Process.Pid, patience(), func() {
		hung.Store(true)
		cmd.Process.Kill()
	})
	_ = cmd.Wait()
	watch.stop()
	code := cmd.ProcessState.ExitCode()
	what := fmt.Sprintf("llmz %q: exit code %d, %.1000s", args, code, said.String())
	switch {
	case t.ctx.Err() != nil:
		return nil, nil
	case hung.Load():
		return nil, fmt.Errorf("no end within %v: %s", patience(), what)
	case strings.Contains(said.String(), "goroutine ") || strings.Contains(said.String(), "panic:"):
		return nil, fmt.Errorf("a trace: %s", what)
	case bytes.ContainsAny(said.Bytes(), "\x1b\a\x00\x7f"):
		return nil, fmt.Errorf("control characters: %q", what)
	case memory(cmd) > maxMemory:
		return nil, fmt.Errorf("%d MiB: %s", memory(cmd)>>20, what)
	}
	for _, c := range codes {
		if c == code {
			return out.Bytes(), nil
		}
	}
	return nil, errors.New("an exit code that does not fit: " + what)
}

func (t *tortured) env() []string {
	return append(os.Environ(), "LLMZ_DATA_DIR="+filepath.Join(t.dir, "data"), "XDG_CONFIG_HOME="+t.dir, "TMPDIR="+t.dir, "NO_COLOR=1", "HF_ENDPOINT=http://127.0.0.1:1")
}

// fresh makes an empty folder for a trial.
func (t *tortured) fresh() (string, error) {
	dir := filepath.Join(t.dir, "trial")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// kill kills jobs, and does them again: the source is there or a whole archive is,
// and nothing that is half.
func kill(t *tortured) (func(uint64) error, error) {
	alice, err := testdata.Samples.ReadFile("alice29.txt")
	if err != nil {
		return nil, err
	}
	return func(n uint64) error {
		r := rand.New(rand.NewPCG(n, 5))
		dir, err := t.fresh()
		if err != nil {
			return err
		}
		content := alice[:20_000+r.IntN(60_000)]
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "in.llmz")
		if err := os.WriteFile(in, content, 0o640); err != nil {
			return err
		}
		args := []string{"-q", "-m", "none", "--block-size", "8KiB"}
		resume, remove := r.IntN(2) == 0, r.IntN(3) == 0
		if resume {
			args = append(args, "--resume")
		}
		if remove {
			args = append(args, "--rm")
		}
		args = append(args, "in")
		for range 1 + r.IntN(3) {
			cmd := exec.Command(t.llmz, args...)
			cmd.Dir, cmd.Env = dir, t.env()
			if err := cmd.Start(); err != nil {
				return err
			}
			time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
			cmd.Process.Kill()
			if err := cmd.Wait(); err != nil {
				t.note("killed", 1)
			}
			whole := false
			if _, err := os.Stat(out); err == nil {
				got, err := t.run(dir, []int{0}, "-dc", "in.llmz")
				if err != nil || !bytes.Equal(got, content) && t.ctx.Err() == nil {
					return fmt.Errorf("after SIGKILL there is an archive that does not decode to the input: %w", err)
				}
				whole = true
				t.note("archives whole", 1)
			}
			if got, err := os.ReadFile(in); err == nil && !bytes.Equal(got, content) || err != nil && !whole {
				return fmt.Errorf("after SIGKILL the source is changed or gone: %v", err)
			}
			if whole {
				break
			}
		}
		if _, err := os.Stat(out); err != nil {
			if _, err := t.run(dir, []int{0}, args...); err != nil {
				return fmt.Errorf("done again: %w", err)
			}
			got, err := t.run(dir, []int{0}, "-dc", "in.llmz")
			if err != nil || !bytes.Equal(got, content) && t.ctx.Err() == nil {
				return fmt.Errorf("the archive of the run that ended does not decode to the input: %w", err)
			}
			t.note("done again", 1)
		}
		return nil
	}, nil
}

// fullDisk writes to a disk of some kilobytes.
func fullDisk(t *tortured) (func(uint64) error, error) {
	disk := filepath.Join(t.dir, "disk")
	if err := os.MkdirAll(disk, 0o755); err != nil {
		return nil, err
	}
	unmount, err := mountSmall(disk)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(t.ctx, unmount)
	noise := make([]byte, 400_000)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	archive := filepath.Join(t.dir, "noise.llmz")
	if err := os.WriteFile(filepath.Join(t.dir, "noise"), noise, 0o644); err != nil {
		return nil, err
	}
	if _, err := t.run(t.dir, []int{0}, "-q", "-f", "-m", "none", "noise"); err != nil {
		return nil, err
	}
	return func(n uint64) error {
		r := rand.New(rand.NewPCG(n, 7))
		part := 1 + r.IntN(len(noise))
		source := filepath.Join(t.dir, "part")
		if err := os.WriteFile(source, noise[:part], 0o644); err != nil {
			return err
		}
		out := filepath.Join(disk, "out")
		args := []string{"-q", "-m", "none", "--block-size", "16KiB", "-o", out}
		switch r.IntN(4) {
		case 0:
			args = append(args, "-d", archive)
		case 1:
			args = append(args, "--rm", source)
		case 2:
			args = append(args, "--resume", source)
		default:
			args = append(args, source)
		}
		_, err := t.run(t.dir, []int{0, 1}, args...)
		if err != nil {
			return err
		}
		_, outErr := os.Stat(out)
		if _, err := os.Stat(source); err != nil && outErr != nil {
			return errors.New("the source is gone and there is no output")
		}
		if outErr != nil {
			t.note("disk full", 1)
		} else if args[len(args)-2] != "-d" {
			got, err := t.run(t.dir, []int{0}, "-dc", out)
			if err != nil || !bytes.Equal(got, noise[:part]) && t.ctx.Err() == nil {
				return fmt.Errorf("the archive on a small disk is not whole: %w", err)
			}
		} else if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, noise) {
			return fmt.Errorf("the content on a small disk is not whole: %d bytes, %v", len(got), err)
		}
		left, _ := os.ReadDir(disk)
		for _, e := range left {
			if e.Name() != "out" && !strings.HasPrefix(e.Name(), "out.part") && t.ctx.Err() == nil {
				return fmt.Errorf("left behind: %s", e.Name())
			}
			os.Remove(filepath.Join(disk, e.Name()))
		}
		return nil
	}, nil
}

// hostileFiles gives mangled files to all commands that read such.
func hostileFiles(t *tortured) (func(uint64) error, error) {
	archives, err := samples(t.ctx)
	if err != nil {
		return nil, err
	}
	models, err := modelFiles(t)
	if err != nil {
		return nil, err
	}
	return func(n uint64) error {
		r := rand.New(rand.NewPCG(n, 8))
		dir, err := t.fresh()
		if err != nil {
			return err
		}
		path := filepath.Join(dir, []string{"x.llmz", "x\x1b[31mred\a.llmz", "-x.llmz"}[r.IntN(3)])
		if r.IntN(3) > 0 {
			p := bytes.Clone(archives[r.IntN(len(archives))].archive)
			if r.IntN(4) == 0 {
				p = invent(r)
			}
			for range r.IntN(4) {
				p = mangle(r, p)
			}
			if err := os.WriteFile(path, p, 0o644); err != nil {
				return err
			}
			args := [][]string{
				{"-t", path}, {"info", path}, {"info", "-v", path}, {"--json", "info", path}, {"cat", path}, {"cat", "--bytes", "10-20", path}, {"doctor", path},
				{"-d", "--salvage", "-o", "out", path}, {"-dc", path}, {"-l", path, path}, {"inspect", "--no-tui", path},
			}[r.IntN(11)]
			t.note("archives", 1)
			_, err = t.run(dir, []int{0, 1, 2, 3, 4}, args...)
			return err
		}
		m := models[r.IntN(len(models))]
		p := bytes.Clone(m.data)
		for range 1 + r.IntN(3) {
			// Headers are where it hurts.
			if head := min(len(p), 4096); r.IntN(2) == 0 && head > 0 {
				p[r.IntN(head)] ^= byte(1 + r.IntN(255))
			} else {
				p = mangle(r, p)
			}
		}
		path = filepath.Join(dir, "m"+m.ext)
		if err := os.WriteFile(path, p, 0o644); err != nil {
			return err
		}
		args := [][]string{{"models", "convert", "-o", "out.gguf", path}}
		if m.ext == ".gguf" {
			args = append(args, []string{"models", "info", path}, []string{"-q", "-m", path, "-o", "out", filepath.Join(t.dir, "text")}, []string{"estimate", "-m", path, filepath.Join(t.dir, "text")})
		}
		t.note("models", 1)
		_, err = t.run(dir, []int{0, 1, 2, 3, 4}, args[r.IntN(len(args))]...)
		return err
	}, nil
}

// A modelFile is a model, or weights, to mangle.
type modelFile struct {
	ext  string
	data []byte
}

func modelFiles(t *tortured) ([]modelFile, error) {
	if err := os.WriteFile(filepath.Join(t.dir, "text"), []byte("some text to compress, and more of it\n"), 0o644); err != nil {
		return nil, err
	}
	var all []modelFile
	weights, err := tinyWeights()
	if err != nil {
		return nil, err
	}
	for ext, p := range weights {
		all = append(all, modelFile{ext, p})
	}
	if len(all) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return all, nil
}
