package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
)

// check compares a file with what is pinned and what the hub says.
func check(ctx context.Context, path string, f File, m remote) (Result, error) {
	file, err := ctxio.OpenRegular(path)
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
	if _, err := io.Copy(w, ctxio.FileReader(ctx, file)); err != nil {
		return Result{}, err
	}
	r := Result{Path: path, SHA256: hex.EncodeToString(sum.Sum(nil)), Size: st.Size()}
	if f.SHA256 != "" {
		if !strings.EqualFold(r.SHA256, f.SHA256) {
			return r, fmt.Errorf("%v: %w: its SHA-256 is %s, pinned is %s", f, ErrDigest, r.SHA256, f.SHA256)
		}
		r.Checked = "pinned"
		return r, nil
	}
	if other != nil {
		if got := hex.EncodeToString(other.Sum(nil)); got != m.etag {
			return r, fmt.Errorf("%v: %w: what came is %s, the hub names %s", f, ErrDigest, got, m.etag)
		}
		r.Checked = "hub"
	}
	return r, nil
}
