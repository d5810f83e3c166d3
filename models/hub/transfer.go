package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/llmz/llmz/engine/outfile"
)

const (
	// maxLength and maxUnannounced bound what is written to the disk: of files whose
	// length the hub names, and of others.
	maxLength      = 1 << 40
	maxUnannounced = 16 << 30
	// A download that breaks off has made progress if it brought this much more than
	// ever before; without it, one byte a request would go on for ever.
	minProgress = 4 << 10
	// minRate is the number of bytes that have to come within Client.Stall.
	minRate = 1 << 10
)

func (f File) limit() int64 {
	if f.Limit > 0 {
		return f.Limit
	}
	return maxLength
}

var (
	errWrite = errors.New("cannot write")
	errStall = errors.New("too little came")
	errShort = errors.New("the answer ended too early")
	errRange = errors.New("the hub answers with another part of the file")
)

// fetch downloads until the file is whole, going on where it broke off.
func (c *Client) fetch(ctx context.Context, f File, u, part string, m remote, progress Progress) error {
	out, err := outfile.OpenPart(part)
	if err != nil {
		return err
	}
	defer out.Close()
	t := &transfer{c: c, f: f, url: u, out: out, remote: m, progress: progress}
	t.limit = f.limit()
	if m.size < 0 {
		t.limit = min(t.limit, maxUnannounced)
	}
	if t.have, err = out.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	for failures, most := 0, t.have; ; {
		whole, err := t.once(ctx)
		if whole {
			return errors.Join(out.Sync(), out.Close())
		}
		var b *brokenError
		if !errors.As(err, &b) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if t.have >= most+minProgress {
			failures, most = 0, t.have
		}
		if failures++; failures > c.retries() {
			return fmt.Errorf("%v: %w: %w (tried %d times without progress)", f, ErrIncomplete, b.err, failures)
		}
		wait := retryablehttp.DefaultBackoff(c.wait(), maxWait, failures-1, nil)
		c.notify(f, b.err, failures, wait)
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// A transfer is a download under way.
type transfer struct {
	c        *Client
	f        File
	url      string
	out      *os.File
	remote   remote
	progress Progress
	have     int64  // bytes in out
	limit    int64  // bytes that it may have
	version  string // a strong ETag of the data where the hub named one
}

// A brokenError is the end of an answer after which the rest is asked for.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }

func broken(err error) error { return &brokenError{err} }

// restart throws away what there is.
func (t *transfer) restart() error {
	t.have, t.version = 0, ""
	if err := t.out.Truncate(0); err != nil {
		return fmt.Errorf("%s: %w: %w", t.out.Name(), errWrite, err)
	}
	return nil
}

// once makes one request for what is missing and reports whether the file is
// whole after it.
func (t *transfer) once(ctx context.Context) (bool, error) {
	if t.remote.size >= 0 && t.have > t.remote.size {
		if err := t.restart(); err != nil {
			return false, err
		}
	}
	if t.have == t.remote.size {
		t.progress(t.f, t.have, t.have)
		return true, nil
	}
	ctx, cancel := context.WithCancel(ctx) // ends a stalled answer
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return false, err
	}
	if t.have > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.have))
		if t.version != "" {
			r.Header.Set("If-Range", t.version)
		}
	}
	resp, err := t.c.do(r, t.f, follow)
	if err != nil {
		if t.have > 0 && errors.Is(err, ErrUnreachable) {
			err = fmt.Errorf("%v: %w: %w", t.f, ErrIncomplete, err)
		}
		return false, err
	}
	defer resp.Body.Close()
	total, err := t.begin(resp)
	if err != nil {
		return false, err
	}
	return t.copy(resp.Body, total, cancel)
}

// begin looks at an answer's headers, sets the file to where its body belongs, and
// returns how long the file is, -1 where that is not known.
func (t *transfer) begin(resp *http.Response) (int64, error) {
	total := t.remote.size
	switch resp.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		if err := t.restart(); err != nil {
			return 0, err
		}
		return 0, broken(errRange)
	case http.StatusPartialContent:
		from, of, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || from != t.have || total >= 0 && of >= 0 && of != total {
			if err := t.restart(); err != nil {
				return 0, err
			}
			return 0, broken(errRange)
		}
		if total < 0 {
			total = of
		}
	case http.StatusOK: // all of it
		if t.have > 0 {
			if err := t.restart(); err != nil {
				return 0, err
			}
		}
	default:
		return 0, &statusError{t.f, resp.StatusCode}
	}
	if total < 0 && resp.ContentLength >= 0 {
		total = t.have + resp.ContentLength
	}
	if total > t.limit || total >= 0 && resp.ContentLength > total-t.have {
		return 0, t.tooLong()
	}
	if tag := resp.Header.Get("Etag"); strings.HasPrefix(tag, `"`) {
		t.version = tag
	}
	if _, err := t.out.Seek(t.have, io.SeekStart); err != nil {
		return 0, fmt.Errorf("%s: %w: %w", t.out.Name(), errWrite, err)
	}
	return total, nil
}

func (t *transfer) tooLong() error {
	n := t.limit
	if t.remote.size >= 0 {
		n = t.remote.size
	}
	return fmt.Errorf("%v: %w: more comes than the %d bytes that there should be", t.f, ErrAnswer, n)
}

// contentRange reads "bytes FROM-TO/OF"; of is -1 for "*".
func contentRange(s string) (from, of int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, length, ok2 := strings.Cut(s, "/")
	first, _, ok3 := strings.Cut(span, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	if length == "*" {
		return from, -1, ok && ok2 && ok3 && err == nil
	}
	of, err2 := strconv.ParseInt(length, 10, 64)
	return from, of, ok && ok2 && ok3 && err == nil && err2 == nil && from >= 0 && of >= 0
}

// copy writes an answer's body behind what there is.
func (t *transfer) copy(body io.Reader, total int64, cancel func()) (bool, error) {
	end := total
	if end < 0 {
		end = t.limit
	}
	w := &watch{limit: t.c.Stall, cancel: cancel}
	if w.limit <= 0 {
		w.limit = 30 * time.Second
	}
	t.progress(t.f, t.have, total)
	buf := make([]byte, 128<<10)
	for {
		n, err := w.read(body, buf)
		if int64(n) > end-t.have {
			return false, t.tooLong()
		}
		if n > 0 {
			if _, err := t.out.Write(buf[:n]); err != nil {
				return false, fmt.Errorf("%w: %w", errWrite, err)
			}
			t.have += int64(n)
			t.progress(t.f, t.have, total)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && (total < 0 || t.have == total):
			return true, nil
		case errors.Is(err, io.EOF):
			return false, broken(errShort)
		default:
			return false, broken(err)
		}
	}
}

// A watch ends a body that brings too little for too long. Only the time spent on
// waiting for it counts: the caller may take as long as it likes.
type watch struct {
	limit  time.Duration
	cancel func()
	waited time.Duration
	got    int
}

func (w *watch) read(body io.Reader, p []byte) (int, error) {
	began := time.Now()
	timer := time.AfterFunc(w.limit-w.waited, w.cancel)
	n, err := body.Read(p)
	inTime := timer.Stop()
	w.waited += time.Since(began)
	if w.got += n; w.got >= minRate {
		w.waited, w.got = 0, 0
	}
	if err == nil && w.waited >= w.limit || !inTime {
		return n, fmt.Errorf("%w within %v", errStall, w.limit)
	}
	return n, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
