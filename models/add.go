package models

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
)

// AddOptions are the options of Add.
type AddOptions struct {
	Path  string // a GGUF file
	Name  string // to keep it under; empty: the file's
	Force bool   // replace a model of that name
}

// Add keeps a copy of a model file in the registry's directory, where archives made
// with it find it and -m takes it by name.
func (r *Registry) Add(ctx context.Context, o AddOptions) (Pulled, error) {
	name := o.Name
	if name == "" {
		name = modelName(o.Path)
	}
	if err := checkModelName(name); err != nil {
		return Pulled{}, err
	}
	fi, err := os.Stat(o.Path)
	switch {
	case err != nil:
		return Pulled{}, err
	case !fi.Mode().IsRegular():
		return Pulled{}, fmt.Errorf("%s: is no regular file", o.Path)
	}
	if _, err := architecture(o.Path); err != nil {
		return Pulled{}, err
	}
	digest, err := fileDigest(ctx, o.Path)
	if err != nil {
		return Pulled{}, err
	}
	target := filepath.Join(r.Dir, name+Extension)
	if have, err := fileDigest(ctx, target); err == nil && have == digest {
		r.remember(ctx, digest[:], target, "")
		return finished(ctx, name, target, "")
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return Pulled{}, err
	}
	like, err := outfile.LikeAll(o.Path)
	if err != nil {
		return Pulled{}, err
	}
	like.Owner = nil // the store is the user's own
	err = outfile.Write(ctx, target, outfile.Options{Replace: o.Force}, like, func(w io.Writer) error {
		return copyModel(ctx, w, o.Path, digest)
	})
	if errors.Is(err, fs.ErrExist) {
		return Pulled{}, fmt.Errorf("%w: %s", ErrExists, target)
	}
	if err != nil {
		return Pulled{}, err
	}
	r.remember(ctx, digest[:], target, "")
	return finished(ctx, name, target, "")
}

// copyModel copies a file that must have that digest.
func copyModel(ctx context.Context, w io.Writer, path string, want [32]byte) error {
	f, err := ctxio.OpenRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), ctxio.Reader(ctx, f)); err != nil {
		return err
	}
	if [32]byte(h.Sum(nil)) != want {
		return fmt.Errorf("%s: file changed while it was read", path)
	}
	return nil
}

// checkModelName refuses names under which a model would not be found.
func checkModelName(name string) error {
	switch {
	case isBundled(name) || name == "none":
		return fmt.Errorf("%q is the name of a model that is part of the program: keep it under another one", name)
	case name == "" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-") || looksLikePath(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%q cannot be the name of a model", name)
	}
	return nil
}
