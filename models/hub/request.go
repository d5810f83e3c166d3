package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"hash"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	maxRedirects = 10
	connectLimit = 4 * time.Second
	answerLimit  = 20 * time.Second
	// firstTries and firstLimit bound the attempts to reach a hub at all, so that a
	// machine without a network learns of it within seconds.
	firstTries = 3
	firstLimit = 6 * time.Second
	// maxWait bounds the pauses, a hub's own Retry-After included.
	maxWait = 2 * time.Minute
)

var (
	repoName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)
	hexName  = regexp.MustCompile(`^[0-9a-f]+$`)
)

// endpoint returns the hub's address, checked: what is wrong with it would fail in
// every attempt.
func (c *Client) endpoint() (string, error) {
	if c.Endpoint == "" {
		return DefaultEndpoint, nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("HF_ENDPOINT %q %w: it is an address like %s", c.Endpoint, ErrSettings, DefaultEndpoint)
	}
	return c.Endpoint, nil
}

func (c *Client) url(f File) (string, error) {
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("HF_TOKEN %w: it holds a space, a line's end or another character that no token has", ErrSettings)
	}
	endpoint, err := c.endpoint()
	if err != nil {
		return "", err
	}
	if !repoName.MatchString(f.Repo) || f.Path == "" || strings.Contains(f.Path, "..") {
		return "", fmt.Errorf("%q is no file on the hub: name it owner/repository/file", f.String())
	}
	revision := f.Revision
	if revision == "" {
		revision = "main"
	}
	return url.JoinPath(endpoint, f.Repo, "resolve", url.PathEscape(revision), f.Path)
}

var transport = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: connectLimit, KeepAlive: 15 * time.Second}).DialContext
	t.ResponseHeaderTimeout = answerLimit
	t.MaxResponseHeaderBytes = 256 << 10
	t.DisableCompression = true
	return t
}()

var defaultClient = &http.Client{Transport: transport}

// client returns what makes requests.
func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	if c.Stall <= 0 || c.Stall >= answerLimit {
		return defaultClient
	}
	c.once.Do(func() {
		t := transport.Clone()
		t.ResponseHeaderTimeout = c.Stall
		c.impatient = &http.Client{Transport: t}
	})
	return c.impatient
}

// do makes a request, again where its failure may be a passing one. Errors of do
// are final.
func (c *Client) do(r *http.Request, f File, redirect func(next *http.Request, via []*http.Request) error) (*http.Response, error) {
	r.Header.Set("User-Agent", "llmz")
	r.Header.Set("Accept-Encoding", "identity")
	if c.Token != "" { // net/http drops it when a redirect leads to another host
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	h := *c.client()
	h.CheckRedirect = redirect
	began, failed := time.Now(), 0
	var last error
	rc := retryablehttp.Client{
		HTTPClient: &h, RetryMax: c.retries(), RetryWaitMin: c.wait(), RetryWaitMax: maxWait,
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			again, err2 := retryablehttp.DefaultRetryPolicy(ctx, resp, err)
			if again {
				failed++
			}
			switch last = err; {
			case err == nil:
				return again, err2
			case errors.Is(err, ErrAnswer), isCertificate(err):
				return false, err
			case r.Method == http.MethodHead && (failed >= firstTries || time.Since(began) > firstLimit):
				return false, err
			}
			return again, err2
		},
		Backoff: func(low, high time.Duration, n int, resp *http.Response) time.Duration {
			wait := min(retryablehttp.DefaultBackoff(low, high, n, resp), high)
			if last == nil && resp != nil {
				last = &statusError{f, resp.StatusCode}
			}
			c.notify(f, last, n+1, wait)
			return wait
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	req, err := retryablehttp.FromRequest(r)
	if err != nil {
		return nil, err
	}
	resp, err := rc.Do(req)
	switch {
	case r.Context().Err() != nil:
		if err == nil {
			resp.Body.Close()
		}
		return nil, r.Context().Err()
	case errors.Is(err, ErrAnswer):
		return nil, fmt.Errorf("%v: %w", f, err)
	case err != nil:
		host := r.URL.Scheme + "://" + r.URL.Host
		tries := "once"
		if failed > 1 {
			tries = fmt.Sprintf("%d times in %.0f s", failed, time.Since(began).Seconds())
		}
		return nil, fmt.Errorf("%w at %s: %w (tried %s)", ErrUnreachable, host, reason(err), tries)
	}
	if err := c.status(resp, f); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func isCertificate(err error) bool {
	var c *tls.CertificateVerificationError
	return errors.As(err, &c)
}

// reason is what is wrong with a connection, without the layers around it.
func reason(err error) error {
	var dns *net.DNSError
	var no syscall.Errno
	var c *tls.CertificateVerificationError
	var wrapped *url.Error
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("the name %q cannot be looked up (%s)", dns.Name, dns.Err)
	case errors.As(err, &c):
		return c
	case errors.As(err, &no):
		return no
	case errors.As(err, &wrapped) && wrapped.Timeout():
		return errors.New("no answer")
	case errors.As(err, &wrapped):
		return wrapped.Err
	}
	return err
}

func (c *Client) retries() int {
	if c.Retries > 0 {
		return c.Retries
	}
	return 5
}

func (c *Client) wait() time.Duration {
	if c.Wait > 0 {
		return c.Wait
	}
	return time.Second
}

func (c *Client) notify(f File, err error, failed int, wait time.Duration) {
	if c.Retrying != nil {
		c.Retrying(Retry{File: f, Err: reason(err), Failed: failed, Wait: wait})
	}
}

// follow bounds a chain of redirects.
func follow(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d redirects", ErrAnswer, maxRedirects)
	case next.URL.Scheme != "https" && next.URL.Scheme != "http":
		return fmt.Errorf("%w: a redirect to %s", ErrAnswer, strconv.Quote(next.URL.Scheme+":"))
	case next.URL.Scheme == "http" && via[0].URL.Scheme == "https":
		return fmt.Errorf("%w: a redirect from https to http", ErrAnswer)
	}
	return nil
}

// remote is what the hub says about a file.
type remote struct {
	etag   string // SHA-256, or Git's SHA-1 of small files; empty where neither
	size   int64  // -1: unknown
	digest func(size int64) hash.Hash
}

// head asks what the hub knows about a file. Its answer may be a redirect to
// where the data is; the headers that matter are on the first answer.
func (c *Client) head(ctx context.Context, f File, u string) (remote, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, u, nil)
	if err != nil {
		return remote{}, err
	}
	resp, err := c.do(r, f, func(next *http.Request, via []*http.Request) error {
		if next.Response != nil && next.Response.Header.Get("X-Linked-Etag") != "" || next.URL.Host != r.URL.Host {
			return http.ErrUseLastResponse
		}
		return follow(next, via)
	})
	if err != nil {
		return remote{}, err
	}
	resp.Body.Close()
	m := remote{size: -1}
	tag := resp.Header.Get("X-Linked-Etag")
	if tag == "" {
		tag = resp.Header.Get("Etag")
	}
	m.setETag(tag)
	if n, err := strconv.ParseInt(resp.Header.Get("X-Linked-Size"), 10, 64); err == nil && n >= 0 {
		m.size = n
	} else if resp.StatusCode == http.StatusOK && resp.ContentLength >= 0 && !encoded(resp) {
		m.size = resp.ContentLength
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

// encoded reports whether an answer is packed although that was not asked for.
func encoded(resp *http.Response) bool {
	e := resp.Header.Get("Content-Encoding")
	return e != "" && !strings.EqualFold(e, "identity")
}

// A statusError is an answer other than the file.
type statusError struct {
	f    File
	code int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%v: the hub answers %d %s", e.f, e.code, http.StatusText(e.code))
}

// status turns an answer that is not the file into an error that says what to do.
func (c *Client) status(resp *http.Response, f File) error {
	repo, token := resp.Header.Get("X-Error-Code") == "RepoNotFound", c.Token != ""
	switch code := resp.StatusCode; {
	case code == http.StatusRequestedRangeNotSatisfiable:
	case resp.Header.Get("X-Error-Code") == "GatedRepo":
		return fmt.Errorf("%v: %w: its owner asks for consent: accept the conditions on the page of %s, then set HF_TOKEN", f, ErrDenied, f.Repo)
	case code == http.StatusNotFound && !repo:
		return fmt.Errorf("%v: %w", f, ErrNotFound)
	case code == http.StatusUnauthorized || code == http.StatusForbidden || repo:
		// A hub tells nobody whether a repository is private or missing.
		why := "there is no such repository, or it is a private one: check the spelling; HF_TOKEN holds the token for private ones"
		if token {
			why = "there is no such repository, or HF_TOKEN holds a token that is not valid or may not read it: check both"
		}
		return fmt.Errorf("%v: %w (%d): %s", f, ErrDenied, code, why)
	case code >= 400 || code >= 300 && resp.Request.Method != http.MethodHead || code < 200:
		return &statusError{f, code}
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && code < 300:
		return fmt.Errorf("%v: %w: a web page came; is HF_ENDPOINT a hub, or does the network ask to sign in?", f, ErrAnswer)
	case encoded(resp) && resp.Request.Method == http.MethodGet:
		return fmt.Errorf("%v: %w: it comes packed (Content-Encoding %q) though that was not asked for, which can be neither checked nor continued; a proxy may be doing it: go round it, or name another hub with HF_ENDPOINT",
			f, ErrAnswer, resp.Header.Get("Content-Encoding"))
	}
	return nil
}
