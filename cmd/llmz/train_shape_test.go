package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/models/trainer"
)

// tinyTransformer is a command line that trains a transformer within a fraction of a
// second.
func tinyTransformer(t *testing.T) (args []string, output string) {
	t.Helper()
	rnn, output := tinyTraining(t)
	return []string{"train", rnn[1], "-o", output, "--arch", "gpt", "--layers", "2", "--hidden", "32", "--heads", "2",
		"--context", "32", "--streams", "8", "--vocabulary", "280"}, output
}

func readTransformer(t *testing.T, path string) *trainer.Model {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := trainer.ReadModel(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrainTransformer(t *testing.T) {
	args, output := tinyTransformer(t)
	args = append(args, "--updates", "8", "--json=events")
	var first []byte
	for range 2 {
		code, stdout, stderr := runLine(t.Context(), t, args...)
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		var started struct {
			trainer.Started
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(lines[0]), &started); err != nil {
			t.Fatal(err)
		}
		if started.Type != "started" || started.Shape.Vocabulary != 280 || started.Shape.Context != 32 || started.Warning == "" {
			t.Errorf("first event %q", lines[0])
		}
		var last trained
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
			t.Fatal(err)
		}
		if last.Op != "train" || last.Arch != "gpt" || last.Updates != 8 || last.ValidBPC <= 0 || last.IntegerBPC <= 0 {
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

	// Trained further, it keeps its shape and vocabulary, and the text is not too short.
	more := filepath.Join(t.TempDir(), "more.txt")
	if err := os.WriteFile(more, []byte(strings.Repeat("Something else, and nothing of the kind.\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runLine(t.Context(), t, "train", more, "--init", output, "-o", output+"2", "--updates", "2", "--float")
	if code != exitOK || strings.Contains(stderr, "Warning") || !strings.Contains(stderr, "gpt, 2 x 32, 280 tokens") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	was, is := readTransformer(t, output), readTransformer(t, output+"2")
	if is.Shape != was.Shape || strings.Join(is.Vocabulary.Tokens, "\n") != strings.Join(was.Vocabulary.Tokens, "\n") {
		t.Errorf("%+v became %+v", was.Shape, is.Shape)
	}
	// Rotary positions take another context.
	code, _, stderr = runLine(t.Context(), t, "train", more, "--init", output, "--context", "64", "-o", output+"3", "--updates", "2")
	if code != exitOK || readTransformer(t, output+"3").Shape.Context != 64 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// Every bundled model is adapted by its name, and keeps its shape and vocabulary.
func TestTrainFromBundled(t *testing.T) {
	args, output := tinyTraining(t)
	corpus := args[1]
	for _, name := range models.BundledNames() {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runLine(t.Context(), t, "train", corpus, "--init", name, "-o", output, "-f", "--updates", "1",
				"--streams", "1", "--validation", "0")
			if code != exitOK {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			data, _ := models.BundledFile(name)
			was, err := gguf.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			is, err := gguf.Open(output)
			if err != nil {
				t.Fatal(err)
			}
			defer is.Close()
			for _, kv := range was.KV {
				if kv.Key == "general.name" {
					continue
				}
				if v, ok := is.Value(kv.Key); !ok || !reflect.DeepEqual(v, kv.Value) {
					t.Errorf("%s is no longer the same", kv.Key)
				}
			}
		})
	}
}

func TestTrainTransformerUsage(t *testing.T) {
	args, output := tinyTransformer(t)
	if code, _, stderr := runLine(t.Context(), t, append(args, "--updates", "1")...); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	other := []string{"train", args[1], "-o", output + "2", "--updates", "1"}
	for _, extra := range [][]string{
		{"--arch", "gpt", "--hidden", "33"}, {"--arch", "gpt", "--heads", "3"}, {"--arch", "gpt", "--vocabulary", "100"},
		{"--arch", "gpt", "--context", "9"}, {"--arch", "gpt", "--embed", "8"}, {"--arch", "gru", "--heads", "2"},
		{"--arch", "lstm", "--context", "64"}, {"--vocabulary", "500"}, {"--arch", "gpt", "--cool-down", "2"},
		{"--init", output, "--layers", "3"}, {"--init", output, "--vocabulary", "500"}, {"--init", output, "--arch", "gru"},
		{"--init", output, "--context", "7"},
	} {
		if code, _, stderr := runLine(t.Context(), t, append(other, extra...)...); code != exitUsage {
			t.Errorf("%q: exit code %d, %s", extra, code, stderr)
		}
	}
	if filejob.Exists(output + "2") {
		t.Error("a refused command wrote a model")
	}
}
