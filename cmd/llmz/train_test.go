package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/models/convert"
)

// runLine runs a command line in-process and returns its exit code and output.
func runLine(ctx context.Context, t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	in, out, errs := open("in"), open("out"), open("err")
	code = newApp(in, out, errs).execute(ctx, args)
	read := func(f *os.File) string {
		f.Close()
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	in.Close()
	return code, read(out), read(errs)
}

// tinyTraining is a command line that trains within a fraction of a second.
func tinyTraining(t *testing.T) (args []string, output string) {
	t.Helper()
	dir := t.TempDir()
	corpus := filepath.Join(dir, "corpus.txt")
	if err := os.WriteFile(corpus, []byte(strings.Repeat("So much depends upon a red wheel barrow.\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	output = filepath.Join(dir, "a.gguf")
	return []string{"train", corpus, "-o", output, "--hidden", "16", "--embed", "8", "--streams", "4", "--steps", "8"}, output
}

func TestTrain(t *testing.T) {
	args, output := tinyTraining(t)
	args = append(args, "--updates", "10", "--json=events")
	var first []byte
	for range 2 {
		code, stdout, stderr := runLine(t.Context(), t, args...)
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		var last trained
		for i, l := range lines {
			var o struct {
				Type string `json:"type"`
			}
			if err := json.Unmarshal([]byte(l), &o); err != nil {
				t.Fatalf("%q: %v", l, err)
			}
			if i == 0 && o.Type != "started" {
				t.Errorf("first event %q", l)
			}
		}
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
			t.Fatal(err)
		}
		if last.Op != "train" || last.Updates != 10 || last.ValidBPC <= 0 || last.IntegerBPC <= 0 {
			t.Errorf("result %+v", last)
		}
		model, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = model
		}
		if !bytes.Equal(model, first) {
			t.Error("the same command wrote another model")
		}
		args = append(args, "-f")
	}
	if filejob.Exists(output + ".checkpoint") {
		t.Error("the checkpoint was left behind")
	}
	// Without -f the model stays.
	if code, _, stderr := runLine(t.Context(), t, args[:len(args)-2]...); code != exitFailed || !strings.Contains(stderr, "-f") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	// The model keeps its shape when it is trained further.
	code, _, stderr := runLine(t.Context(), t, args[0], args[1], "--init", output, "-o", output+"2", "--updates", "2", "--float")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, "lstm, 1 x 16") {
		t.Errorf("plain output %q", stderr)
	}
	if n, err := convert.Load(output + "2"); err != nil || n.Hidden != 16 || n.Embed != 8 {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestTrainInterrupted(t *testing.T) {
	args, output := tinyTraining(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	code, _, stderr := runLine(ctx, t, append(args, "--minutes", "5")...)
	if code == exitOK || !strings.Contains(stderr, "--resume") || !filejob.Exists(output+".checkpoint") || filejob.Exists(output) {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	if code, _, stderr = runLine(t.Context(), t, append(args, "--minutes", "5")...); code != exitFailed || !strings.Contains(stderr, "--resume") {
		t.Errorf("a checkpoint was ignored: exit code %d, %q", code, stderr)
	}
	if code, _, stderr = runLine(t.Context(), t, append(args, "--minutes", "0.006", "--resume")...); code != exitOK || !strings.Contains(stderr, "Resumed") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

func TestTrainUsage(t *testing.T) {
	args, output := tinyTraining(t)
	for _, extra := range [][]string{
		{"-o", "-"}, {"--arch", "rnn"}, {"--hidden", "-1"}, {"--epochs", "1", "--updates", "2"}, {"--minutes", "0"},
		{"--weights", "1,2"}, {"--weights", "0"}, {"--patience", "-1"}, {"--init", "lstm", "--hidden", "999"},
	} {
		if code, _, stderr := runLine(t.Context(), t, append(args, extra...)...); code != exitUsage {
			t.Errorf("%q: exit code %d, %s", extra, code, stderr)
		}
	}
	if code, _, _ := runLine(t.Context(), t, "train"); code != exitUsage {
		t.Errorf("no corpus: exit code %d", code)
	}
	if code, _, stderr := runLine(t.Context(), t, append(args, "--init", "no-such-model")...); code != exitMissing {
		t.Errorf("no such model: exit code %d, %s", code, stderr)
	}
	if filejob.Exists(output) {
		t.Error("a refused command wrote a model")
	}
}

func TestConvertNetwork(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	out := filepath.Join(t.TempDir(), "a.gguf")
	const in = "../../models/convert/testdata/tiny.pt"
	if code, _, stderr := runLine(t.Context(), t, "models", "convert", in, "-o", out); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if n, err := convert.Load(out); err != nil || n.Cell != "gru" || n.Hidden != 4 {
		t.Errorf("%+v, %v", n, err)
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitFailed, []string{in, "-o", out}}, {exitUsage, []string{out, "-o", out, "-f"}},
		{exitUsage, []string{in, "-f", "-o", out, "--type", "f16"}}, {exitFailed, []string{"none", "-o", out}},
	} {
		if code, _, stderr := runLine(t.Context(), t, append([]string{"models", "convert"}, c.args...)...); code != c.code {
			t.Errorf("%q: exit code %d, want %d: %s", c.args, code, c.code, stderr)
		}
	}
	if code, _, stderr := runLine(t.Context(), t, "models", "convert", in, "-f", "-o", out, "--type", "f32"); code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// What cannot be written is told before the training, which would be lost.
func TestTrainUnwritable(t *testing.T) {
	args, output := tinyTraining(t)
	dir := filepath.Dir(output)
	for name, path := range map[string]string{
		"no directory":   filepath.Join(dir, "missing", "a.gguf"),
		"below a file":   filepath.Join(args[1], "a.gguf"),
		"a directory":    dir,
		"too long":       filepath.Join(dir, strings.Repeat("a", 300)+".gguf"),
		"checkpoint too": filepath.Join(dir, strings.Repeat("a", 245)+".gguf"),
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runLine(t.Context(), t, "train", args[1], "-f", "-o", path, "--updates", "1", "--json=events")
			if code != exitFailed || stdout != "" || stderr == "" {
				t.Errorf("exit code %d, events %q, %s", code, stdout, stderr)
			}
		})
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// Numbers that make no sense are refused, and nothing is written.
func TestTrainNumbers(t *testing.T) {
	args, output := tinyTraining(t)
	for _, flag := range []string{"--rate=-1", "--rate=NaN", "--rate=Inf", "--warm-up=-1", "--checkpoint-minutes=-1", "--checkpoint-minutes=NaN", "--cool-down=NaN", "--cool-down=-1",
		"--validation=NaN", "--validation=-1", "--validation=1", "--streams=-1", "--steps=-1"} {
		code, _, stderr := runLine(t.Context(), t, append(args, "--updates", "1", flag)...)
		if code != exitFailed && code != exitUsage || stderr == "" {
			t.Errorf("%s: exit code %d, %s", flag, code, stderr)
		}
	}
	if filejob.Exists(output) || filejob.Exists(output+checkpointSuffix) {
		t.Error("a refused training wrote something")
	}
}

// A checkpoint that is damaged or of another training says what to do.
func TestTrainCheckpointUnfit(t *testing.T) {
	args, output := tinyTraining(t)
	for _, content := range []string{"", "no checkpoint", "llmzckp1"} {
		if err := os.WriteFile(output+checkpointSuffix, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := runLine(t.Context(), t, append(args, "--updates", "1", "--resume")...)
		if code != exitFailed || !strings.Contains(stderr, "start over with -f") || filejob.Exists(output) {
			t.Errorf("%q: exit code %d, %s", content, code, stderr)
		}
	}
}
