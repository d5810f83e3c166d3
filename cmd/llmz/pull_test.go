package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/models/hub"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/session"
)

// A fakeHub has the file of one known model.
type fakeHub struct {
	data    []byte
	etag    string
	half    atomic.Bool // answer with the first half and break off
	wrong   atomic.Bool // name the digest of another file
	slow    chan struct{}
	ranges  atomic.Int32 // requests for a part of the file
	waiting chan struct{}
}

// pulledModel is a model that comes as one file.
const pulledModel = "smollm2-135m"

func startHub(t *testing.T) *fakeHub {
	t.Helper()
	data, ok := models.BundledFile("lstm")
	if !ok {
		t.Fatal("no bundled LSTM to serve")
	}
	h := &fakeHub{data: data, etag: fmt.Sprintf("%x", sha256.Sum256(data))}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Setenv("HF_ENDPOINT", s.URL)
	return h
}

func (h *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "-Q8_0.gguf") {
		http.NotFound(w, r)
		return
	}
	etag := h.etag
	if h.wrong.Load() {
		etag = strings.Repeat("0", len(etag))
	}
	w.Header().Set("X-Linked-Etag", `"`+etag+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(h.data)))
	from := 0
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
		h.ranges.Add(1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(h.data)-1, len(h.data)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(h.data)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodHead {
		return
	}
	if !h.half.Load() {
		w.Write(h.data[from:])
		return
	}
	w.Write(h.data[from : from+(len(h.data)-from)/2])
	w.(http.Flusher).Flush()
	if h.slow != nil {
		h.waiting <- struct{}{}
		select {
		case <-h.slow:
		case <-r.Context().Done():
		}
	}
}

// puller returns a session's backend with an empty directory of models.
func puller(t *testing.T) *sessionBackend {
	t.Helper()
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	a.models.Dir = t.TempDir()
	return &sessionBackend{a: a}
}

func (b *sessionBackend) pull(ctx context.Context, j *feed.Tracker) (session.Outcome, error) {
	return b.run(ctx, session.Task{Op: session.Pull, Path: pulledModel}, j)
}

func TestSessionPulls(t *testing.T) {
	h := startHub(t)
	b := puller(t)
	j := feed.New(pulledModel, -1, nil)
	out, err := b.pull(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	s := j.Snapshot()
	if n := int64(len(h.data)); s.Transfer == nil || s.Transfer.Loaded != n || s.Total != n || !strings.HasSuffix(s.Transfer.File, "Q8_0.gguf") {
		t.Errorf("the screen was told %+v of %d", s.Transfer, s.Total)
	}
	if out.Output != filepath.Join(b.a.models.Dir, pulledModel+models.Extension) {
		t.Errorf("it is in %s", out.Output)
	}
	list, err := b.models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Name == pulledModel && m.Where != session.Installed {
			t.Errorf("the list says %+v", m)
		}
	}
	// What is there is not fetched again.
	if _, err := b.pull(t.Context(), feed.New(pulledModel, -1, nil)); !errors.Is(err, models.ErrExists) {
		t.Errorf("pulled twice: %v", err)
	}
}

func TestSessionPullGoesOn(t *testing.T) {
	h := startHub(t)
	h.half.Store(true)
	h.slow, h.waiting = make(chan struct{}), make(chan struct{}, 1)
	b := puller(t)
	ctx, cancel := context.WithCancel(t.Context())
	j := feed.New(pulledModel, -1, nil)
	done := make(chan error, 1)
	go func() {
		_, err := b.pull(ctx, j)
		done <- err
	}()
	<-h.waiting
	for j.Snapshot().Bytes == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	h.half.Store(false)
	j = feed.New(pulledModel, -1, nil)
	if _, err := b.pull(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if s := j.Snapshot(); s.Resumed == 0 || s.Resumed+s.Transfer.Loaded != int64(len(h.data)) || h.ranges.Load() != 1 {
		t.Errorf("resumed at %d, %d came", s.Resumed, s.Transfer.Loaded)
	}
}

func TestSessionPullFailures(t *testing.T) {
	h := startHub(t)
	b := puller(t)
	h.wrong.Store(true)
	_, err := b.pull(t.Context(), feed.New(pulledModel, -1, nil))
	if !errors.Is(err, hub.ErrDigest) || !strings.Contains(err.Error(), "thrown away") {
		t.Errorf("another file came: %v", err)
	}
	parts, _ := filepath.Glob(filepath.Join(b.a.models.Dir, ".download", pulledModel, "*"))
	if len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
	_, err = b.run(t.Context(), session.Task{Op: session.Pull, Path: "distilgpt2"}, feed.New("distilgpt2", -1, nil))
	if !errors.Is(err, hub.ErrNotFound) || !strings.Contains(err.Error(), "models pull --help") {
		t.Errorf("not on the hub: %v", err)
	}
	for cause, word := range map[error]string{hub.ErrIncomplete: "pull it again to go on", hub.ErrDigest: "pull it again"} {
		if err := hinted(pullError(fmt.Errorf("owner/repo/file: %w", cause))); !strings.Contains(err.Error(), word) {
			t.Errorf("no advice in %q", err)
		}
	}
}
