// Package hub downloads files from the Hugging Face hub: whole or not at all,
// resumed where a download broke off, and checked against the digest that the
// hub or the caller names.
//
// Whatever a hub does, a download ends: redirects, repeated requests, silence and
// the length of an answer are bounded.
package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/llmz/llmz/engine/outfile"
)

// DefaultEndpoint is where files come from unless HF_ENDPOINT says otherwise.
const DefaultEndpoint = "https://huggingface.co"

// A Client downloads files. The zero value uses the default endpoint and no
// token.
type Client struct {
	Endpoint string
	Token    string
	HTTP     *http.Client // nil: one with time limits for connecting and answering
	// Retries is the number of times in a row that a request may fail, or a download
	// break off without any progress; 0 means 5. Wait is the pause after the first
	// one, doubled after each; 0 means a second.
	Retries int
	Wait    time.Duration
	// Stall is how long a download may bring less than a kilobyte before it counts as
	// broken off, and the most to wait for an answer; 0 means 30 seconds, and 20.
	Stall time.Duration
	// Retrying, if not nil, is told before each pause.
	Retrying func(Retry)

	once      sync.Once
	impatient *http.Client
}

// A Retry says why something is tried again.
type Retry struct {
	File   File
	Err    error
	Failed int // times so far
	Wait   time.Duration
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
	// Limit is the most bytes that it may have; 0 means 1 TiB.
	Limit int64
}

func (f File) String() string { return f.Repo + "/" + f.Path }

// Progress is told how many bytes of a file there are so far, at first before any
// of them came: more than 0 then says where an earlier download is continued. total
// is -1 where it is not known.
type Progress func(f File, done, total int64)

// Errors of Download.
var (
	// ErrNotFound means that the hub has no such file, or does not show it.
	ErrNotFound = errors.New("not on the hub")
	// ErrDenied means that the file needs a token, or another one.
	ErrDenied = errors.New("access denied")
	// ErrDigest means that what was downloaded is not what was asked for.
	ErrDigest = errors.New("digest differs")
	// ErrIncomplete means that the download broke off too often; what there is stays
	// and is the start of the next attempt.
	ErrIncomplete = errors.New("download broke off")
	// ErrUnreachable means that no connection to the hub came about.
	ErrUnreachable = errors.New("cannot reach the hub")
	// ErrSettings means that HF_ENDPOINT or HF_TOKEN cannot be used.
	ErrSettings = errors.New("cannot be used")
	// ErrAnswer means that the hub, or something on the way to it, answers in a way
	// that no hub should.
	ErrAnswer = errors.New("the answer is not one of a hub")
)

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
// The second of two downloads of one file into one directory at the same time fails.
func (c *Client) Download(ctx context.Context, f File, dir string, progress Progress) (Result, error) {
	if progress == nil {
		progress = func(File, int64, int64) {}
	}
	u, err := c.url(f)
	if err != nil {
		return Result{}, err
	}
	m, err := c.head(ctx, f, u)
	if err != nil {
		return Result{}, err
	}
	if m.size > f.limit() {
		return Result{}, fmt.Errorf("%v: %w: it has %d bytes, more than the %d that are allowed", f, ErrAnswer, m.size, f.limit())
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
	if err := os.Chmod(part, 0o666&^outfile.Umask()); err != nil {
		return Result{}, err
	}
	if err := os.Rename(part, target); err != nil {
		return Result{}, err
	}
	r.Path = target
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
