package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/models/hub"
)

// maxRequests is how often one download may ask.
const maxRequests = 100

// hostileHub downloads a file from a hub that answers each request in one of many
// wrong ways, or rightly.
func hostileHub(t *tortured) (func(uint64) error, error) {
	data := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	var current atomic.Pointer[misbehaviour]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().serve(w, r) }))
	return func(n uint64) error {
		m := &misbehaviour{r: rand.New(rand.NewPCG(n, 4)), data: data, sum: sum, address: "http://" + l.Addr().String()}
		m.rounds = m.r.IntN(8)
		m.always = m.r.IntN(4) == 0
		m.how = m.r.IntN(ways)
		current.Store(m)
		dir := filepath.Join(t.dir, "hub")
		os.RemoveAll(dir)
		c := &hub.Client{Endpoint: m.address, Wait: time.Millisecond, Stall: 30 * time.Millisecond, Retries: 3}
		ctx, cancel := context.WithTimeout(t.ctx, patience())
		defer cancel()
		res, err := c.Download(ctx, hub.File{Repo: "owner/repo", Path: "model.bin", SHA256: sum}, dir, nil)
		asked := m.asked.Load()
		t.note("requests", int(asked))
		left, readErr := os.ReadFile(filepath.Join(dir, "model.bin"))
		switch {
		case asked > maxRequests:
			return fmt.Errorf("%d requests", asked)
		case err == nil && (readErr != nil || !bytes.Equal(left, data) || res.SHA256 != sum):
			return errors.New("something else than the file was taken for it")
		case err != nil && readErr == nil:
			return fmt.Errorf("there is a file after %w", err)
		case err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }):
			return fmt.Errorf("control characters in %q", err)
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("no end within %v", patience())
		case err == nil:
			t.note("brought", 1)
		}
		return nil
	}, nil
}

// A misbehaviour is what a hub does during a trial.
type misbehaviour struct {
	r       *rand.Rand
	data    []byte
	sum     string
	address string
	rounds  int  // wrong answers before a right one
	always  bool // no right one ever
	how     int
	asked   atomic.Int32
}

const ways = 14

func (m *misbehaviour) serve(w http.ResponseWriter, r *http.Request) {
	n := int(m.asked.Add(1))
	h := w.Header()
	h.Set("X-Linked-Size", fmt.Sprint(len(m.data)))
	h.Set("X-Linked-Etag", `"`+m.sum+`"`)
	wrong := m.always || n <= m.rounds
	data, from := m.data, 0
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && from < len(data) {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	} else {
		from = 0
	}
	status := http.StatusOK
	if from > 0 {
		status = http.StatusPartialContent
	}
	body := data[from:]
	if wrong {
		switch m.how {
		case 0:
			http.Redirect(w, r, r.URL.Path+"/on", http.StatusFound)
			return
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader([]int{500, 502, 503, 429, 404, 401, 403, 416, 206, 304, 418}[n%11])
			return
		case 3: // nothing comes
			w.WriteHeader(status)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		case 4: // too little comes
			w.WriteHeader(status)
			for i := 0; r.Context().Err() == nil && i < 200; i++ {
				w.Write(body[:1])
				http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
			return
		case 5: // more than announced
			h.Del("Content-Range")
			for range 100 {
				w.Write(body)
			}
			return
		case 6:
			h.Set("Content-Range", "bytes 17-99/100")
			w.WriteHeader(http.StatusPartialContent)
		case 7:
			h.Set("Content-Encoding", "gzip")
		case 8:
			h.Set("Content-Type", "text/html")
			body = []byte("<html>\x1b[31m")
		case 9: // another file
			body = bytes.Repeat([]byte{byte(n)}, len(body))
		case 10:
			h.Set("X-Linked-Size", []string{"-5", "0", "99999999999999999", "abc", "1\x1b"}[n%5])
		case 11:
			h.Set("Location", []string{"file:///etc/passwd", "ftp://x/", "http://\x7f", "//", m.address + "/other", "gopher:"}[n%6])
			w.WriteHeader(http.StatusMovedPermanently)
			return
		case 12: // an answer that is none
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprint(conn, []string{"nonsense\r\n\r\n", "HTTP/1.1 999 \x1b[2J\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", strings.Repeat("x", 1<<20)}[n%4])
				conn.Close()
			}
			return
		default: // breaks off
			h.Set("Content-Length", fmt.Sprint(len(body)))
			w.WriteHeader(status)
			w.Write(body[:m.data[n]])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if status != http.StatusOK {
		w.WriteHeader(status)
	}
	w.Write(body)
}
