// Package hub downloads files from the Hugging Face hub: whole or not at all,
// resumed where a download broke off, and checked against the digest that the
// hub or the caller names.
package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// DefaultEndpoint is where files come from unless HF_ENDPOINT says otherwise.
const DefaultEndpoint = "https://huggingface.co"

// A Client downloads files. The zero value uses the default endpoint and no
// token.
type Client struct {
	Endpoint string
	Token    string
	HTTP     *http.Client
	// Retries is the number of times in a row that a download may break off without
	// any progress; 0 means 5. Wait is the pause after the first one, doubled
	// after each; 0 means a second.
	Retries int
	Wait    time.Duration
}

// FromEnv returns a client set up by HF_ENDPOINT and HF_TOKEN.
func FromEnv() *Client {
	return &Client{Endpoint: os.Getenv("HF_ENDPOINT"), Token: os.Getenv("HF_TOKEN")}
}

// A File names a file on the hub.
type File struct {
	Repo     string // "owner/name"
	Revision string // empty for "main"
	Path     string
	// SHA256 is the expected digest in hexadecimal, empty where it is not known.
	SHA256 string
	// Optional files may be missing.
	Optional bool
}

// Progress is told how many bytes of a file there are so far, at first before any
// of them came: more than 0 then says where an earlier download is continued. total
// is -1 where it is not known.
type Progress func(f File, done, total int64)

// Errors of Download.
var (
	// ErrNotFound means that the hub has no such file, or does not show it.
	ErrNotFound = errors.New("not on the hub")
	// ErrDenied means that the file needs a token.
	ErrDenied = errors.New("access denied")
	// ErrDigest means that what was downloaded is not what was asked for.
	ErrDigest = errors.New("digest differs")
	// ErrIncomplete means that the download broke off too often; what there is stays
	// and is the start of the next attempt.
	ErrIncomplete = errors.New("download broke off")
)

// remote is what the hub says about a file.
type remote struct {
	etag   string // SHA-256, or Git's SHA-1 of small files; empty where neither
	size   int64  // -1: unknown
	digest func(size int64) hash.Hash
}

var (
	repoName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)
	hexName  = regexp.MustCompile(`^[0-9a-f]+$`)
)

func (c *Client) url(f File) (string, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	if !repoName.MatchString(f.Repo) || f.Path == "" || strings.Contains(f.Path, "..") {
		return "", fmt.Errorf("%s/%s is no file on the hub: name it owner/repository/file", f.Repo, f.Path)
	}
	revision := f.Revision
	if revision == "" {
		revision = "main"
	}
	u, err := url.JoinPath(endpoint, f.Repo, "resolve", url.PathEscape(revision), f.Path)
	if err != nil {
		return "", fmt.Errorf("HF_ENDPOINT=%s: %w", endpoint, err)
	}
	return u, nil
}

func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return http.DefaultClient
}

func (c *Client) request(ctx context.Context, method, u string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "llmz")
	r.Header.Set("Accept-Encoding", "identity")
	if c.Token != "" { // net/http drops it when a redirect leads to another host
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// head asks what the hub knows about a file. Its answer may be a redirect to
// where the data is; the headers that matter are on the first answer.
func (c *Client) head(ctx context.Context, f File, u string) (remote, error) {
	r, err := c.request(ctx, http.MethodHead, u)
	if err != nil {
		return remote{}, err
	}
	h := *c.client()
	h.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if next.Response != nil && next.Response.Header.Get("X-Linked-Etag") != "" || next.URL.Host != r.URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err := h.Do(r)
	if err != nil {
		return remote{}, err
	}
	resp.Body.Close()
	if err := status(resp, f); err != nil {
		return remote{}, err
	}
	m := remote{size: -1}
	tag := resp.Header.Get("X-Linked-Etag")
	if tag == "" {
		tag = resp.Header.Get("Etag")
	}
	m.setETag(tag)
	if _, err := fmt.Sscan(resp.Header.Get("X-Linked-Size"), &m.size); err != nil {
		m.size = -1
		if resp.StatusCode == http.StatusOK {
			m.size = resp.ContentLength
		}
	}
	return m, nil
}

func (m *remote) setETag(tag string) {
	tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	if !hexName.MatchString(tag) {
		return
	}
	switch len(tag) {
	case 2 * sha256.Size:
		m.etag, m.digest = tag, func(int64) hash.Hash { return sha256.New() }
	case 2 * sha1.Size:
		m.etag, m.digest = tag, func(size int64) hash.Hash { // Git's name of the content
			h := sha1.New()
			fmt.Fprintf(h, "blob %d\x00", size)
			return h
		}
	}
}

func status(resp *http.Response, f File) error {
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound:
		return fmt.Errorf("%s/%s: %w", f.Repo, f.Path, ErrNotFound)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fmt.Errorf("%s/%s: %w (%s): set HF_TOKEN to a token that may read it", f.Repo, f.Path, ErrDenied, resp.Status)
	case code >= 400:
		return &statusError{f, resp.Status, code}
	}
	return nil
}

// A statusError is an answer that may be another one next time.
type statusError struct {
	f    File
	text string
	code int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s/%s: the hub answers %s", e.f.Repo, e.f.Path, e.text)
}

func (e *statusError) temporary() bool { return e.code >= 500 || e.code == http.StatusTooManyRequests }

// Result says what Download did.
type Result struct {
	Path   string
	SHA256 string // of the file, in hexadecimal
	Size   int64
	// Checked says what the digest was compared with: "pinned", "hub" or "" where
	// neither knows it.
	Checked string
}

// Download puts a file into dir under the last part of its name and returns
// what it is. A file that is there already is kept if its digest is right.
func (c *Client) Download(ctx context.Context, f File, dir string, progress Progress) (Result, error) {
	if progress == nil {
		progress = func(File, int64, int64) {}
	}
	u, err := c.url(f)
	if err != nil {
		return Result{}, err
	}
	m, err := retry(ctx, c, func() (remote, error) { return c.head(ctx, f, u) })
	if err != nil {
		return Result{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Result{}, err
	}
	target := filepath.Join(dir, filepath.Base(filepath.FromSlash(f.Path)))
	if _, err := os.Stat(target); err == nil {
		if r, err := check(ctx, target, f, m); err == nil && r.Checked != "" {
			return r, nil
		}
	}
	part := target + ".part"
	if m.etag != "" { // another version on the hub starts afresh
		part = fmt.Sprintf("%s.%.12s.part", target, m.etag)
	} else {
		os.Remove(part)
	}
	if err := c.fetch(ctx, f, u, part, m, progress); err != nil {
		return Result{}, err
	}
	r, err := check(ctx, part, f, m)
	if err != nil {
		if errors.Is(err, ErrDigest) {
			os.Remove(part)
		}
		return Result{}, err
	}
	if err := os.Rename(part, target); err != nil {
		return Result{}, err
	}
	r.Path = target
	return r, nil
}

// fetch downloads until the file is whole, going on where it broke off.
func (c *Client) fetch(ctx context.Context, f File, u, part string, m remote, progress Progress) error {
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	failures := 0
	for {
		before, err := out.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if m.size >= 0 && before > m.size {
			if before, err = 0, out.Truncate(0); err != nil {
				return err
			}
		}
		var problem error
		whole := before == m.size
		if !whole {
			whole, problem = c.fetchOnce(ctx, f, u, out, before, m, progress)
		}
		if whole {
			return out.Sync()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var s *statusError
		if errors.Is(problem, ErrNotFound) || errors.Is(problem, ErrDenied) || errors.Is(problem, errWrite) ||
			errors.As(problem, &s) && !s.temporary() {
			return problem
		}
		if after, _ := out.Seek(0, io.SeekEnd); after > before {
			failures = 0
		}
		if failures++; failures > c.retries() {
			return fmt.Errorf("%s/%s: %w: %w", f.Repo, f.Path, ErrIncomplete, problem)
		}
		if err := c.pause(ctx, failures); err != nil {
			return err
		}
	}
}

var errWrite = errors.New("cannot write")

// fetchOnce makes one request for what is missing and reports whether the file
// is whole after it.
func (c *Client) fetchOnce(ctx context.Context, f File, u string, out *os.File, have int64, m remote, progress Progress) (bool, error) {
	r, err := c.request(ctx, http.MethodGet, u)
	if err != nil {
		return false, err
	}
	if have > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := c.client().Do(r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return false, errors.Join(io.ErrUnexpectedEOF, out.Truncate(0))
	}
	if err := status(resp, f); err != nil {
		return false, err
	}
	if have > 0 && (resp.StatusCode != http.StatusPartialContent || !startsAt(resp, have)) {
		// The server sends all of it.
		if resp.StatusCode == http.StatusPartialContent {
			return false, errors.Join(io.ErrUnexpectedEOF, out.Truncate(0))
		}
		have = 0
		if err := out.Truncate(0); err != nil {
			return false, fmt.Errorf("%w: %w", errWrite, err)
		}
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return false, fmt.Errorf("%w: %w", errWrite, err)
	}
	total := m.size
	if total < 0 && resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	progress(f, have, total)
	w := &progressWriter{w: out, f: f, done: have, total: total, progress: progress}
	_, err = io.Copy(w, resp.Body)
	if w.failed != nil {
		return false, fmt.Errorf("%w: %w", errWrite, w.failed)
	}
	if err != nil {
		return false, err
	}
	if total >= 0 && w.done != total {
		return false, io.ErrUnexpectedEOF
	}
	return true, nil
}

func startsAt(resp *http.Response, at int64) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", at))
}

type progressWriter struct {
	w           io.Writer
	f           File
	done, total int64
	progress    Progress
	failed      error
}

func (w *progressWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.done += int64(n)
	w.failed = err
	w.progress(w.f, w.done, w.total)
	return n, err
}

// check compares a file with what is pinned and what the hub says.
func check(ctx context.Context, path string, f File, m remote) (Result, error) {
	file, err := os.Open(path)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return Result{}, err
	}
	sum := sha256.New()
	w := io.Writer(sum)
	var other hash.Hash
	if m.digest != nil {
		other = m.digest(st.Size())
		w = io.MultiWriter(sum, other)
	}
	if _, err := io.Copy(w, contextReader{ctx, file}); err != nil {
		return Result{}, err
	}
	r := Result{Path: path, SHA256: hex.EncodeToString(sum.Sum(nil)), Size: st.Size()}
	if f.SHA256 != "" {
		if !strings.EqualFold(r.SHA256, f.SHA256) {
			return r, fmt.Errorf("%s/%s: %w: its SHA-256 is %s, pinned is %s", f.Repo, f.Path, ErrDigest, r.SHA256, f.SHA256)
		}
		r.Checked = "pinned"
		return r, nil
	}
	if other != nil {
		if got := hex.EncodeToString(other.Sum(nil)); got != m.etag {
			return r, fmt.Errorf("%s/%s: %w: what came is %s, the hub names %s", f.Repo, f.Path, ErrDigest, got, m.etag)
		}
		r.Checked = "hub"
	}
	return r, nil
}

// DownloadAll downloads files into dir, one after the other. Optional files
// that the hub does not have are left out.
func (c *Client) DownloadAll(ctx context.Context, files []File, dir string, progress Progress) ([]Result, error) {
	var all []Result
	for _, f := range files {
		r, err := c.Download(ctx, f, dir, progress)
		if f.Optional && errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (c *Client) retries() int {
	if c.Retries > 0 {
		return c.Retries
	}
	return 5
}

func (c *Client) pause(ctx context.Context, n int) error {
	wait := c.Wait
	if wait == 0 {
		wait = time.Second
	}
	t := time.NewTimer(wait << min(n-1, 6))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// retry calls f until it succeeds, fails for good, or failed too often.
func retry[T any](ctx context.Context, c *Client, f func() (T, error)) (v T, err error) {
	for n := 1; ; n++ {
		if v, err = f(); err == nil {
			return v, nil
		}
		var s *statusError
		if ctx.Err() != nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) || errors.As(err, &s) && !s.temporary() || n > c.retries() {
			return v, err
		}
		if err := c.pause(ctx, n); err != nil {
			return v, err
		}
	}
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// Clean removes what broken downloads left in dir.
func Clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
