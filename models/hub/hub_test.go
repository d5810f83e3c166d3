package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakeHub serves one large file like the hub does: the first answer names the
// digest and redirects to another host, which has the data.
type fakeHub struct {
	data     []byte
	etag     string // empty: none is named
	noRanges bool
	dropAt   int // each answer breaks off after so many bytes, 0: never
	fail     atomic.Int32
	gets     atomic.Int32
	token    string
	leaked   atomic.Bool // the token went to the other host
}

func (h *fakeHub) start(t *testing.T) *Client {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.gets.Add(1)
		if r.Header.Get("Authorization") != "" {
			h.leaked.Store(true)
		}
		data, at := h.data, 0
		if s, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !h.noRanges {
			at, _ = strconv.Atoi(strings.TrimSuffix(s, "-"))
			if at >= len(data) {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(data)-1, len(data)))
			w.Header().Set("Content-Length", strconv.Itoa(len(data)-at))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		}
		data = data[at:]
		if h.dropAt > 0 && len(data) > h.dropAt {
			w.Write(data[:h.dropAt])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Write(data)
	}))
	t.Cleanup(store.Close)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if h.fail.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.URL.Path != "/owner/repo/resolve/main/sub/model.bin" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if h.etag != "" {
			w.Header().Set("X-Linked-Etag", `"`+h.etag+`"`)
			w.Header().Set("X-Linked-Size", strconv.Itoa(len(h.data)))
		}
		// Another host by name, so that credentials must not follow.
		http.Redirect(w, r, strings.Replace(store.URL, "127.0.0.1", "localhost", 1)+"/data", http.StatusFound)
	}))
	t.Cleanup(front.Close)
	return &Client{Endpoint: front.URL, Retries: 3, Wait: time.Millisecond}
}

var model = File{Repo: "owner/repo", Path: "sub/model.bin"}

func newHub(n int) *fakeHub {
	r := rand.New(rand.NewPCG(1, 2))
	h := &fakeHub{data: make([]byte, n)}
	for i := range h.data {
		h.data[i] = byte(r.Uint32())
	}
	sum := sha256.Sum256(h.data)
	h.etag = hex.EncodeToString(sum[:])
	return h
}

func parts(t *testing.T, dir string) []string {
	all, err := filepath.Glob(filepath.Join(dir, "*.part"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDownload(t *testing.T) {
	h := newHub(100_000)
	h.token = "secret"
	c := h.start(t)
	c.Token = "secret"
	dir := t.TempDir()
	last := int64(-1)
	r, err := c.Download(context.Background(), model, dir, func(_ File, done, total int64) {
		if last < 0 && done != 0 {
			t.Errorf("a new download begins at %d", done)
		}
		if done < last || total != 100_000 {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "model.bin"))
	if err != nil || !bytes.Equal(got, h.data) || r.SHA256 != h.etag || r.Checked != "hub" || last != 100_000 {
		t.Errorf("%+v, %d bytes, %v", r, len(got), err)
	}
	if h.leaked.Load() {
		t.Error("the token went to another host")
	}
	before := h.gets.Load()
	if _, err := c.Download(context.Background(), model, dir, nil); err != nil || h.gets.Load() != before {
		t.Errorf("the file was downloaded again: %v", err)
	}
	c.Token = ""
	if _, err := c.Download(context.Background(), model, t.TempDir(), nil); !errors.Is(err, ErrDenied) {
		t.Errorf("without a token: %v", err)
	}
}

func TestDrops(t *testing.T) {
	h := newHub(100_000)
	h.dropAt = 7000
	h.fail.Store(2)
	c := h.start(t)
	dir := t.TempDir()
	if _, err := c.Download(context.Background(), model, dir, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "model.bin")); !bytes.Equal(got, h.data) {
		t.Error("the file differs")
	}
	if n := h.gets.Load(); n < 14 || n > 20 {
		t.Errorf("%d requests", n)
	}
	if left := parts(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestResume goes on in a second run.
func TestResume(t *testing.T) {
	h := newHub(8_000_000)
	c := h.start(t)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := c.Download(ctx, model, dir, func(_ File, done, _ int64) {
		if done > 30_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(parts(t, dir)) != 1 {
		t.Fatalf("error %v, parts %v", err, parts(t, dir))
	}
	var first int64 = -1
	if _, err := c.Download(context.Background(), model, dir, func(_ File, done, _ int64) {
		if first < 0 {
			first = done
		}
	}); err != nil {
		t.Fatal(err)
	}
	if first < 30_000 {
		t.Errorf("started again from the beginning: %d", first)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "model.bin")); !bytes.Equal(got, h.data) {
		t.Error("the file differs")
	}
}

func TestNoRanges(t *testing.T) {
	h := newHub(50_000)
	h.noRanges = true
	c := h.start(t)
	dir := t.TempDir()
	part := filepath.Join(dir, "model.bin."+h.etag[:12]+".part")
	if err := os.WriteFile(part, make([]byte, 20_000), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Download(context.Background(), model, dir, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "model.bin")); !bytes.Equal(got, h.data) {
		t.Error("the file differs")
	}
}

func TestWrongDigest(t *testing.T) {
	h := newHub(1000)
	c := h.start(t)
	dir := t.TempDir()
	pinned := model
	pinned.SHA256 = strings.Repeat("0", 64)
	if _, err := c.Download(context.Background(), pinned, dir, nil); !errors.Is(err, ErrDigest) {
		t.Errorf("another pinned digest: %v", err)
	}
	h.etag = strings.Repeat("1", 64)
	if _, err := c.Download(context.Background(), model, dir, nil); !errors.Is(err, ErrDigest) {
		t.Errorf("another digest on the hub: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
	g := sha1.New()
	fmt.Fprintf(g, "blob %d\x00", len(h.data))
	g.Write(h.data)
	h.etag = hex.EncodeToString(g.Sum(nil)) // small files have Git's digest
	if r, err := c.Download(context.Background(), model, dir, nil); err != nil || r.Checked != "hub" {
		t.Errorf("Git's digest: %+v %v", r, err)
	}
	h.etag = ""
	if r, err := c.Download(context.Background(), model, t.TempDir(), nil); err != nil || r.Checked != "" {
		t.Errorf("no digest: %+v %v", r, err)
	}
	sum := sha256.Sum256(h.data)
	pinned.SHA256 = hex.EncodeToString(sum[:])
	if r, err := c.Download(context.Background(), pinned, t.TempDir(), nil); err != nil || r.Checked != "pinned" {
		t.Errorf("pinned digest: %+v %v", r, err)
	}
}

func TestFailures(t *testing.T) {
	h := newHub(1000)
	c := h.start(t)
	missing := File{Repo: "owner/repo", Path: "other.bin"}
	if _, err := c.Download(context.Background(), missing, t.TempDir(), nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	missing.Optional = true
	if all, err := c.DownloadAll(context.Background(), []File{missing, model}, t.TempDir(), nil); err != nil || len(all) != 1 {
		t.Errorf("optional: %v %v", all, err)
	}
	for _, f := range []File{{Repo: "x", Path: "y"}, {Repo: "../..", Path: "y"}, {Repo: "a/b", Path: "../../etc"}, {Repo: "a/b"}} {
		if _, err := c.Download(context.Background(), f, t.TempDir(), nil); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
	h.fail.Store(100)
	if _, err := c.Download(context.Background(), model, t.TempDir(), nil); err == nil {
		t.Error("a hub that is down was no error")
	}
	h.fail.Store(0)
	h.dropAt = 1
	h.noRanges = true // no progress is ever kept
	dir := t.TempDir()
	if _, err := c.Download(context.Background(), model, dir, nil); !errors.Is(err, ErrIncomplete) {
		t.Errorf("drops without end: %v", err)
	}
	if err := Clean(dir); err != nil || len(parts(t, dir)) > 0 {
		t.Errorf("not cleaned: %v", err)
	}
}
