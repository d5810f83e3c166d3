package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A hostileHub answers as handler does and counts the requests.
type hostileHub struct {
	*httptest.Server
	requests atomic.Int32
}

func startHostile(t *testing.T, handler http.HandlerFunc) (*hostileHub, *Client) {
	t.Helper()
	h := &hostileHub{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(h.Close)
	return h, &Client{Endpoint: h.URL, Retries: 3, Wait: time.Millisecond, Stall: 50 * time.Millisecond}
}

// announce answers a HEAD request with a length and reports whether it was one.
func announce(w http.ResponseWriter, r *http.Request, size int) bool {
	if r.Method != http.MethodHead {
		return false
	}
	w.Header().Set("X-Linked-Size", fmt.Sprint(size))
	return true
}

// TestHostileHubs: whatever a hub does, a download ends after a bounded number of
// requests with an error that says what happened, and leaves no file.
func TestHostileHubs(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 1<<16)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	var turn atomic.Int32
	for name, c := range map[string]struct {
		handler  http.HandlerFunc
		want     error
		text     string
		requests int32 // at most
	}{
		"redirects without end": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
			}, ErrAnswer, "more than 10 redirects", 12,
		},
		"a circle of redirects after the headers": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Linked-Etag", strings.Repeat("a", 64))
				http.Redirect(w, r, r.URL.Path, http.StatusFound)
			}, ErrAnswer, "more than 10 redirects", 13,
		},
		"a redirect to a file": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "file:///etc/passwd")
				w.WriteHeader(http.StatusFound)
			}, ErrAnswer, "file:", 3,
		},
		"a body longer than announced": {
			func(w http.ResponseWriter, r *http.Request) {
				if !announce(w, r, 1000) {
					endless(w, r)
				}
			}, ErrAnswer, "more comes than the 1000 bytes", 2,
		},
		"more than announced, with a length": {
			func(w http.ResponseWriter, r *http.Request) {
				if !announce(w, r, 1000) {
					w.Write(make([]byte, 2000))
				}
			}, ErrAnswer, "more comes than the 1000 bytes", 2,
		},
		"a length beyond any": {
			func(w http.ResponseWriter, r *http.Request) { announce(w, r, 1<<50) }, ErrAnswer, "are allowed", 1,
		},
		"one byte a request": {
			func(w http.ResponseWriter, r *http.Request) {
				if announce(w, r, 100_000) {
					return
				}
				from := 0
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-99999/100000", from))
				w.Header().Set("Content-Length", fmt.Sprint(100_000-from))
				if from > 0 {
					w.WriteHeader(http.StatusPartialContent)
				}
				w.Write([]byte{1})
			}, ErrIncomplete, "without progress", 6,
		},
		"ranges that never fit": {
			func(w http.ResponseWriter, r *http.Request) {
				if announce(w, r, 100_000) {
					return
				}
				if r.Header.Get("Range") != "" {
					w.Header().Set("Content-Range", "bytes 7-99999/100000")
					w.WriteHeader(http.StatusPartialContent)
					return
				}
				w.Header().Set("Content-Length", "100000")
				w.Write(make([]byte, 50_000))
			}, ErrIncomplete, "without progress", 12,
		},
		"no range is satisfiable": {
			func(w http.ResponseWriter, r *http.Request) {
				if !announce(w, r, 100_000) {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				}
			}, ErrIncomplete, "another part", 6,
		},
		"silence": {
			func(w http.ResponseWriter, r *http.Request) {
				if announce(w, r, 100_000) {
					return
				}
				w.Header().Set("Content-Length", "100000")
				w.WriteHeader(http.StatusOK)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}, ErrIncomplete, "too little came", 6,
		},
		"a trickle": {
			func(w http.ResponseWriter, r *http.Request) {
				if announce(w, r, 100_000) {
					return
				}
				w.Header().Set("Content-Length", "100000")
				for r.Context().Err() == nil {
					w.Write([]byte{1})
					w.(http.Flusher).Flush()
					time.Sleep(5 * time.Millisecond)
				}
			}, ErrIncomplete, "too little came", 6,
		},
		"an error that stays": {
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nil, "502 Bad Gateway", 4,
		},
		"an error that is final": {
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }, nil, "418", 1,
		},
		"a connection that closes": {
			func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, ErrUnreachable, "tried 3 times", 8,
		},
		"a packed file": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write([]byte("\x1f\x8b"))
			}, ErrAnswer, "proxy", 2,
		},
		"a page to sign in": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write([]byte("<html>"))
			}, ErrAnswer, "sign in", 1,
		},
		"a repository that nobody is shown": {
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, ErrDenied, "check the spelling", 1,
		},
		"a repository that is missing, by its code": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Error-Code", "RepoNotFound")
				w.WriteHeader(http.StatusNotFound)
			}, ErrDenied, "check the spelling", 1,
		},
		"a gated repository": {
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Error-Code", "GatedRepo")
				w.WriteHeader(http.StatusForbidden)
			}, ErrDenied, "accept the conditions", 1,
		},
		"a status text with control characters": {
			func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					fmt.Fprintf(conn, "HTTP/1.1 418 \x1b]0;title\a\x1b[2J\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
					conn.Close()
				}
			}, nil, "418", 1,
		},
		"the other version each time": {
			func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					return
				}
				n := turn.Add(1)
				w.Header().Set("Etag", fmt.Sprintf(`"v%d"`, n))
				w.Header().Set("Content-Length", "100000")
				w.Write(bytes.Repeat([]byte{byte(n)}, 10_000))
			}, ErrIncomplete, "without progress", 12,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, client := startHostile(t, c.handler)
			dir := t.TempDir()
			_, err := client.Download(t.Context(), model, dir, nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.text)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\a") {
				t.Errorf("control characters in %q", err)
			}
			if n := h.requests.Load(); n > c.requests {
				t.Errorf("%d requests, more than %d", n, c.requests)
			}
			if _, err := os.Stat(filepath.Join(dir, "model.bin")); err == nil {
				t.Error("there is a file")
			}
		})
	}
}

// TestRefusedAtOnce: what no attempt can mend is not tried.
func TestRefusedAtOnce(t *testing.T) {
	h, good := startHostile(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	for name, c := range map[string]*Client{
		"a token with a line's end": {Endpoint: good.Endpoint, Token: "hf_abc\nX-Evil: 1"},
		"a token with a space":      {Endpoint: good.Endpoint, Token: "hf_abc "},
		"file":                      {Endpoint: "file:///etc"},
		"no scheme":                 {Endpoint: "huggingface.co"},
		"no host":                   {Endpoint: "https://"},
		"another scheme":            {Endpoint: "ftp://host"},
		"no address":                {Endpoint: "http://[::1"},
		"a control character":       {Endpoint: "http://ho\x1bst"},
	} {
		retries := 0
		c.Wait, c.Retrying = time.Millisecond, func(Retry) { retries++ }
		_, err := c.Download(t.Context(), model, t.TempDir(), nil)
		if !errors.Is(err, ErrSettings) || retries > 0 || h.requests.Load() > 0 {
			t.Errorf("%s: %v after %d retries", name, err, retries)
		}
		if err != nil && (strings.Contains(err.Error(), "hf_abc") || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%s: the error shows %q", name, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	h, c := startHostile(t, func(http.ResponseWriter, *http.Request) {})
	h.Close()
	var told []Retry
	c.Retrying = func(r Retry) { told = append(told, r) }
	_, err := c.Download(t.Context(), model, t.TempDir(), nil)
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), c.Endpoint) || !strings.Contains(err.Error(), "tried 3 times") {
		t.Errorf("nobody listens: %v", err)
	}
	if len(told) != 2 || told[0].Failed != 1 || told[0].Err == nil {
		t.Errorf("told of %+v", told)
	}
	c.Endpoint = "http://name.invalid"
	if _, err := c.Download(t.Context(), model, t.TempDir(), nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("no such host: %v", err)
	}
}

// TestSlowReader: a download that its caller holds is not a stalled one.
func TestSlowReader(t *testing.T) {
	h := newHub(400_000)
	c := h.start(t)
	c.Stall = 20 * time.Millisecond
	paused := false
	if _, err := c.Download(context.Background(), model, t.TempDir(), func(_ File, done, _ int64) {
		if done > 0 && !paused {
			paused = true
			time.Sleep(100 * time.Millisecond)
		}
	}); err != nil || h.gets.Load() != 1 {
		t.Errorf("%v after %d requests", err, h.gets.Load())
	}
}

// TestChangedFile: a file that another one replaces between two requests is not
// made of both.
func TestChangedFile(t *testing.T) {
	var gets atomic.Int32
	want := bytes.Repeat([]byte{2}, 50_000)
	_, c := startHostile(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			return
		}
		n := gets.Add(1)
		w.Header().Set("Etag", fmt.Sprintf(`"v%d"`, min(n, 2)))
		if r.Header.Get("Range") != "" && r.Header.Get("If-Range") != `"v2"` {
			w.Header().Del("Content-Range")
		}
		w.Header().Set("Content-Length", "50000")
		if n == 1 {
			w.Write(bytes.Repeat([]byte{1}, 20_000))
			return
		}
		w.Write(want)
	})
	dir := t.TempDir()
	if _, err := c.Download(t.Context(), model, dir, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "model.bin")); !bytes.Equal(got, want) {
		t.Error("the file is made of two")
	}
}
