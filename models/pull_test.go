package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
	"github.com/llmz/llmz/models/hub"
)

// serveModel is a hub that has one file, given out slowly enough for others to come.
func serveModel(t *testing.T, data []byte, gets *atomic.Int32) *hub.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Linked-Etag", fmt.Sprintf(`"%x"`, sha256.Sum256(data)))
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
		if r.Method == http.MethodHead {
			return
		}
		gets.Add(1)
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		time.Sleep(100 * time.Millisecond)
		w.Write(data[len(data)/2:])
	}))
	t.Cleanup(s.Close)
	return &hub.Client{Endpoint: s.URL, Retries: 1, Wait: time.Millisecond}
}

// TestPullsAtOnce: several processes that pull one model bring it once, and all
// of them have it.
func TestPullsAtOnce(t *testing.T) {
	data := tinyModel(t, 0)
	var gets, waits atomic.Int32
	c := serveModel(t, data, &gets)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			r := &Registry{Dir: dir}
			p, err := r.Pull(t.Context(), PullOptions{
				What: "owner/repo/tiny.gguf", Client: c, Force: true, Waiting: func(string) { waits.Add(1) },
			})
			if err != nil || p.Digest != sha256.Sum256(data) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	wg.Wait()
	if got, err := os.ReadFile(filepath.Join(dir, "tiny.gguf")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if gets.Load() != 1 || waits.Load() != 3 {
		t.Errorf("brought %d times, %d waited", gets.Load(), waits.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &Registry{Dir: dir}
	_, unlock, err := r.lockPull(ctx, "other", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, _, err := r.lockPull(ctx, "other", func(string) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that is interrupted ends with %v", err)
	}
}

func TestPullNames(t *testing.T) {
	r := &Registry{Dir: t.TempDir()}
	for what, text := range map[string]string{
		"foo":                                   "distilgpt2",
		"":                                      "distilgpt2",
		"a/":                                    "OWNER/REPOSITORY",
		"/b":                                    "OWNER/REPOSITORY",
		"a/b/c.bin":                             "OWNER/REPOSITORY",
		"gru":                                   "part of the program",
		"owner/repo/m-00001-of-00003.gguf":      "one part of a model",
		"owner/repo/sub/M-00002-OF-00002.GGUF":  "one part of a model",
		"owner/repo/../../etc/passwd/x.gguf":    "no file on the hub",
		"owner/re\x1bpo/file.gguf":              "no file on the hub",
		"owner/repo/m-00001-of-00001.x/fi.gguf": "",
	} {
		_, err := r.Pull(t.Context(), PullOptions{What: what, Client: &hub.Client{Endpoint: "http://127.0.0.1:1", Wait: time.Millisecond}})
		if err == nil || !strings.Contains(err.Error(), text) || text != "" && errors.Is(err, hub.ErrUnreachable) {
			t.Errorf("%q: %v", what, err)
		}
		if err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: control characters in %q", what, err)
		}
	}
}

// TestSplitModel: the digest of one part says nothing about the others.
func TestSplitModel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m-00001-of-00002.gguf")
	var w gguf.Writer
	w.Set("general.architecture", "gpt2")
	w.Set("split.count", uint16(2))
	w.Set("split.no", uint16(0))
	file := gguftest.Bytes(t, &w)
	write(t, path, file)
	if _, err := (&Registry{Dir: t.TempDir()}).Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "llama-gguf-split --merge") {
		t.Errorf("opened: %v", err)
	}
	// Under another name it is found out once it is here, and not kept as a model.
	var gets atomic.Int32
	c := serveModel(t, file, &gets)
	dir := t.TempDir()
	_, err := (&Registry{Dir: dir}).Pull(t.Context(), PullOptions{What: "owner/repo/whole.gguf", Client: c})
	if err == nil || !strings.Contains(err.Error(), "llama-gguf-split --merge") {
		t.Errorf("pulled: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "whole.gguf")); err == nil {
		t.Error("there is a model")
	}
}

// TestPullFolders: what a repository with GPT-2's architecture may consist of.
func TestPullFolders(t *testing.T) {
	config := `{"model_type":"gpt2","n_layer":0}` // refused by the conversion, once all files are here
	index := `{"weight_map":{"a":"m1.safetensors","b":"m2.safetensors"}}`
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // in that order; what is asked for in vain is left out
		text  string
	}{
		"whole":          {map[string]string{"config.json": config, "vocab.json": "{}", "merges.txt": "x", "model.safetensors": "x"}, []string{"config.json", "vocab.json", "merges.txt", "model.safetensors"}, "a size of 0"},
		"one tokenizer":  {map[string]string{"config.json": config, "tokenizer.json": "{}", "pytorch_model.bin": "x"}, []string{"config.json", "tokenizer.json", "pytorch_model.bin"}, "a size of 0"},
		"shards":         {map[string]string{"config.json": config, "tokenizer.json": "{}", "model.safetensors.index.json": index, "m1.safetensors": "x", "m2.safetensors": "y"}, []string{"config.json", "tokenizer.json", "model.safetensors.index.json", "m1.safetensors", "m2.safetensors"}, "a size of 0"},
		"a shard less":   {map[string]string{"config.json": config, "tokenizer.json": "{}", "model.safetensors.index.json": index, "m1.safetensors": "x"}, []string{"config.json", "tokenizer.json", "model.safetensors.index.json", "m1.safetensors"}, "m2.safetensors: not on the hub"},
		"an evil index":  {map[string]string{"config.json": config, "tokenizer.json": "{}", "model.safetensors.index.json": `{"weight_map":{"a":"../../x"}}`}, []string{"config.json", "tokenizer.json", "model.safetensors.index.json"}, "not beside it"},
		"no weights":     {map[string]string{"config.json": config, "tokenizer.json": "{}"}, []string{"config.json", "tokenizer.json"}, "neither model.safetensors nor pytorch_model.bin"},
		"an endless map": {map[string]string{"config.json": strings.Repeat(" ", 17<<20)}, nil, "are allowed"},
	} {
		var got []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			base := filepath.Base(r.URL.Path)
			text, ok := c.files[base]
			if !ok {
				http.NotFound(w, r)
				return
			}
			if r.Method == http.MethodGet {
				got = append(got, base)
			}
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			w.Write([]byte(text))
		}))
		dir := t.TempDir()
		_, err := (&Registry{Dir: dir}).Pull(t.Context(), PullOptions{What: "owner/repo", Client: &hub.Client{Endpoint: s.URL, Retries: 1, Wait: time.Millisecond}})
		s.Close()
		if err == nil || !strings.Contains(err.Error(), c.text) || !slices.Equal(got, c.want) {
			t.Errorf("%s: brought %v, %v", name, got, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.gguf")); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}
