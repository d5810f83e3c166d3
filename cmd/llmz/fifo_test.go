//go:build unix

package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/lm/llamacpp"
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
		endsWithInterrupt(t, command(t, dir, args...), "XDG_CACHE_HOME="+dir)
	}
}

// endsWithInterrupt makes sure that a command ends by itself or with the first interrupt.
func endsWithInterrupt(t *testing.T, cmd *exec.Cmd, env ...string) {
	t.Helper()
	cmd.Env = append(cmd.Env, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	select {
	case <-ended:
		return
	case <-time.After(time.Second):
	}
	cmd.Process.Signal(os.Interrupt)
	select {
	case <-ended:
	case <-time.After(20 * time.Second): // it should be one, but machines are slow
		t.Errorf("%v %v does not end with the first interrupt", env, cmd.Args[1:])
		cmd.Process.Kill()
		<-ended
	}
}

// TestNamedPipesInTheEnvironment puts named pipes where variables lead to, and where llmz
// keeps and writes files of its own: as settings, memories, locks, partial files and outputs.
func TestNamedPipesInTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "in"), 3000)
	data := filepath.Join(dir, "data")
	digest := hex.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for _, name := range []string{
		"pipe", "pipe.llmz.part", "home/llmz/config", "home/.config/llmz/config", "data/session.json", "data/history.jsonl", "data/models/gru.gguf",
		"data/models/.seen/" + digest + ".json", "data/models/.download/tiny.lock", "data/models/.download/tiny/model.gguf.part",
		"data/runtime/llama.cpp-" + llamacpp.Version + ".lock", "out.gguf", "out.gguf.checkpoint", "libs/libllama.so", "libs/libggml.so", "libs/libggml-base.so", "libs/llmz-runtime.json",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip("no named pipes here:", err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	compress := []string{"-q", "-f", "-m", "none", "-o", "out", "in"}
	for _, tc := range []struct {
		env  string
		args []string
	}{
		{"LLMZ_CONFIG=" + pipe, compress}, {"LLMZ_CONFIG=" + pipe, []string{"info", "in"}}, {"LLMZ_CONFIG=" + pipe, []string{"models", "list"}},
		{"XDG_CONFIG_HOME=" + filepath.Join(dir, "home"), append([]string{"-v"}, compress...)},
		{"LLMZ_DATA_DIR=" + pipe, compress}, {"LLMZ_DATA_DIR=" + pipe, []string{"models", "list"}}, {"LLMZ_DATA_DIR=" + pipe, []string{"clean"}}, {"LLMZ_DATA_DIR=" + pipe, []string{"runtime", "status"}},
		{"LLMZ_DATA_DIR=" + data, compress}, {"LLMZ_DATA_DIR=" + data, []string{"models", "list"}}, {"LLMZ_DATA_DIR=" + data, []string{"models", "info", "gru"}},
		{"LLMZ_DATA_DIR=" + data, []string{"clean"}}, {"LLMZ_DATA_DIR=" + data, []string{"runtime", "install", "--from", "empty"}}, {"LLMZ_DATA_DIR=" + data, []string{"doctor"}},
		{"LLMZ_LLAMA_LIB=" + pipe, []string{"runtime", "status"}}, {"LLMZ_LLAMA_LIB=" + filepath.Join(dir, "libs"), []string{"runtime", "status"}}, {"LLMZ_LLAMA_LIB=" + filepath.Join(dir, "libs"), []string{"doctor"}},
		{"TMPDIR=" + pipe, append([]string{"--verify"}, compress...)}, {"XDG_CACHE_HOME=" + pipe, []string{"doctor"}}, {"HOME=" + pipe, compress}, {"LLMZ_MODEL=" + pipe, []string{"-c", "in"}},
		{"", []string{"-q", "-m", "none", "--resume", "-f", "-o", "pipe", "in"}}, {"", []string{"-q", "-m", "none", "--resume", "-o", "pipe.llmz", "in"}}, {"", []string{"-q", "-m", "none", "-f", "-o", "pipe.llmz", "in"}},
		{"", []string{"-q", "-m", "none", "-f", "-o", "pipe", "in"}}, {"", []string{"clean", "pipe"}}, {"", []string{"clean", "-f", "."}},
		{"", []string{"bench", "--from", "pipe"}}, {"", []string{"bench", "-m", "none", "--compare", "pipe", "in"}}, {"", []string{"bench", "--runs", "1", "-m", "none", "-o", "pipe", "in"}}, {"", []string{"bench", "--runs", "1", "-m", "none", "--readme", "pipe", "in"}},
		{"", []string{"inspect", "-m", "none", "--html", "pipe", "-f", "in"}}, {"", []string{"train", "--updates", "1", "--resume", "-o", "out.gguf", "in"}}, {"", []string{"train", "--updates", "1", "-f", "-o", "out.gguf", "in"}},
		{"", []string{"train", "--updates", "1", "--init", "pipe", "-o", "new.gguf", "in"}}, {"", []string{"models", "convert", "-f", "-o", "out.gguf", "in"}}, {"", []string{"models", "add", "pipe"}},
	} {
		endsWithInterrupt(t, command(t, dir, tc.args...), tc.env)
	}
}

// TestConfigurationByPipe: what somebody writes into a pipe is read as from a file.
func TestConfigurationByPipe(t *testing.T) {
	dir := t.TempDir()
	bigText(t, filepath.Join(dir, "in"), 3000)
	for _, tc := range []struct{ text, want string }{{"model = none\n", "Model: none"}, {"modell = none\n", "there is no setting"}, {"", "Model: gru"}} {
		cmd := exec.Command("bash", "-c", `LLMZ_CONFIG=<(printf "$2") "$0" --no-tui -f "$1"`, os.Args[0], "in", tc.text)
		cmd.Dir = dir
		cmd.Env = append(command(t, dir).Env, "PATH="+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
			t.Skip(err)
		} else if !strings.Contains(string(out), tc.want) {
			t.Errorf("%q: %v, %s", tc.text, err, out)
		}
	}
}
