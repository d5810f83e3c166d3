//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestNamedPipesNobodyWrites gives commands named pipes whose other end nobody opens, as models,
// corpora, files, and in folders. Each command ends by itself or with the first interrupt.
func TestNamedPipesNobodyWrites(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.gguf")
	folder := filepath.Join(dir, "folder")
	models := filepath.Join(dir, "data", "models")
	for _, d := range []string{folder, models} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{pipe, filepath.Join(folder, "pipe.txt"), filepath.Join(models, "pipe.gguf"), filepath.Join(folder, "libllama.so"), filepath.Join(dir, "pipe.llmz")} {
		if err := syscall.Mkfifo(p, 0o600); err != nil {
			t.Skip("no named pipes here:", err)
		}
	}
	bigText(t, filepath.Join(dir, "in"), 3000)
	for _, args := range [][]string{
		{"-m", "pipe.gguf", "-c", "in"}, {"-m", "pipe.gguf", "-t", "pipe.llmz"}, {"models", "info", "pipe.gguf"}, {"models", "list"}, {"models", "info", "pipe"},
		{"-m", "pipe", "-c", "in"}, {"-fc", "pipe.gguf"}, {"-t", "pipe.llmz"}, {"-dc", "-f", "pipe.llmz"}, {"info", "pipe.llmz"}, {"doctor", "pipe.llmz"}, {"cat", "pipe.llmz"},
		{"cat", "--bytes", "0-1", "pipe.llmz"}, {"-d", "--salvage", "-f", "-o", "out", "pipe.llmz"}, {"estimate", "pipe.gguf"}, {"inspect", "-m", "none", "pipe.gguf"}, {"inspect", "pipe.llmz"},
		{"race", "-m", "none", "pipe.gguf"}, {"bench", "-m", "none", "pipe.gguf"}, {"train", "--arch", "lstm", "--time", "1s", "-o", "m.gguf", "pipe.gguf"}, {"train", "--arch", "lstm", "--time", "1s", "-o", "m.gguf", "folder"},
		{"runtime", "install", "--from", "pipe.gguf"}, {"runtime", "install", "--from", "folder"},
	} {
		cmd := command(t, dir, args...)
		cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		select {
		case <-ended:
			continue
		case <-time.After(time.Second):
		}
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(20 * time.Second): // it should be one, but machines are slow
			t.Errorf("%v does not end with the first interrupt", args)
			cmd.Process.Kill()
			<-ended
		}
	}
}
