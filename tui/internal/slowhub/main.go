// Command slowhub serves one file as a model hub would, slowly and with breaks,
// to look at downloads in a terminal. It prints where it listens.
//
//	HF_ENDPOINT=$(go run ./tui/internal/slowhub -drop 1000000 model.gguf &) llmz models pull smollm2-135m
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

func main() {
	rate := flag.Int("rate", 500_000, "bytes per second")
	drop := flag.Int("drop", 0, "break every other answer off after as many bytes, 0 for never")
	flag.Parse()
	if err := serve(flag.Arg(0), *rate, *drop); err != nil {
		fmt.Fprintln(os.Stderr, "slowhub:", err)
		os.Exit(1)
	}
}

func serve(path string, rate, drop int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	return http.Serve(l, &hub{data: data, etag: fmt.Sprintf("%x", sha256.Sum256(data)), rate: rate, drop: drop})
}

// hub answers every request for a GGUF file with the same one.
type hub struct {
	data       []byte
	etag       string
	rate, drop int
	answers    atomic.Int32
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(filepath.Ext(r.URL.Path), ".gguf") {
		http.NotFound(w, r)
		return
	}
	n := len(h.data)
	from := 0
	w.Header().Set("X-Linked-Etag", `"`+h.etag+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(n))
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && from < n {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, n-1, n))
	}
	w.Header().Set("Content-Length", strconv.Itoa(n-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodHead {
		return
	}
	end := n
	if h.drop > 0 && h.answers.Add(1)%2 == 1 {
		end = min(n, from+h.drop)
	}
	const steps = 20 // a second
	for from < end && r.Context().Err() == nil {
		to := min(end, from+max(1, h.rate/steps))
		if _, err := w.Write(h.data[from:to]); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		from = to
		time.Sleep(time.Second / steps)
	}
	if end < n {
		panic(http.ErrAbortHandler)
	}
}
