package models

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/predict"
)

// seenDir is the part of a registry's directory that remembers where model files
// were: a file for each digest.
const seenDir = ".seen"

// maxPaths is how many paths are remembered of a model.
const maxPaths = 8

// A sighting is what is remembered of a model file.
type sighting struct {
	Name  string   `json:"name"`
	Paths []string `json:"paths"`          // absolute, the last one first
	From  string   `json:"from,omitempty"` // where it was downloaded from
}

func (r *Registry) seenFile(digest []byte) string {
	return filepath.Join(r.Dir, seenDir, hex.EncodeToString(digest)+".json")
}

// seen returns what is remembered of the model whose digest starts so.
func (r *Registry) seen(digest []byte) (s sighting) {
	if r.Dir == "" || len(digest) < minDigest {
		return s
	}
	files, _ := filepath.Glob(r.seenFile(digest)[:len(r.seenFile(digest))-len(".json")] + "*.json")
	for _, file := range files {
		if b, err := ctxio.ReadRegular(file, 1<<20); err == nil && json.Unmarshal(b, &s) == nil {
			return s
		}
	}
	return sighting{}
}

// remember notes where a model file is, so that archives made with it find it again,
// and where it was downloaded from, if it was. Where that cannot be written down, it
// is forgotten: decoding then needs -m.
func (r *Registry) remember(ctx context.Context, digest []byte, path, from string) {
	path, err := filepath.Abs(path)
	if err != nil || r.Dir == "" || len(digest) < minDigest {
		return
	}
	s := r.seen(digest)
	if len(s.Paths) > 0 && s.Paths[0] == path && (from == "" || from == s.From) {
		return
	}
	s.Name = modelName(path)
	if from != "" {
		s.From = from
	}
	s.Paths = append([]string{path}, slices.DeleteFunc(s.Paths, func(p string) bool { return p == path })...)
	s.Paths = s.Paths[:min(len(s.Paths), maxPaths)]
	b, err := json.Marshal(s)
	if err != nil || os.MkdirAll(filepath.Join(r.Dir, seenDir), 0o700) != nil {
		return
	}
	_ = outfile.Write(ctx, r.seenFile(digest), outfile.Options{Replace: true}, outfile.Attributes{Perm: 0o600, HasPerm: true},
		func(w io.Writer) error { _, err := w.Write(b); return err })
}

// Remember notes where a model file is that was just made.
func (r *Registry) Remember(ctx context.Context, path string) {
	if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() {
		return
	}
	if digest, err := fileDigest(ctx, path); err == nil {
		r.remember(ctx, digest[:], path, "")
	}
}

// find returns a remembered file that still holds the model, empty if none does.
func (s sighting) find(ctx context.Context, want []byte) string {
	for _, path := range s.Paths {
		if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() {
			continue
		}
		if digest, err := fileDigest(ctx, path); err == nil && matches(digest, want) {
			return path
		}
	}
	return ""
}

// An Origin says where a model is to be had.
type Origin struct {
	// Path is the file it was loaded from, empty for models that are part of the program.
	Path string
	// Stored means that the file, or a copy of it, is in the registry's directory, where
	// it stays.
	Stored bool
	// From is where it was downloaded from, as "models pull" takes it; empty where that is
	// not known.
	From string
}

// OriginOf returns where a model is to be had that this registry opened.
func (r *Registry) OriginOf(info predict.Info) Origin {
	if info.Bundled {
		return Origin{}
	}
	s := r.seen(info.Digest)
	o := Origin{From: s.From}
	if len(s.Paths) > 0 {
		o.Path = s.Paths[0]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.opened, func(e opened) bool { return string(e.digest) == string(info.Digest) }); i >= 0 {
		o.Path = r.opened[i].path
	}
	dir, err := filepath.Abs(r.Dir)
	o.Stored = err == nil && slices.ContainsFunc(append([]string{o.Path}, s.Paths...), func(p string) bool {
		return filepath.Dir(p) == dir && sameSize(p, o.Path)
	})
	return o
}

// sameSize tells whether both files are there and equally large: what was remembered
// of them as the same has not been replaced in an obvious way.
func sameSize(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && x.Size() == y.Size()
}

// opened is a model file that was loaded.
type opened struct {
	digest []byte
	path   string
}

// noteOpened remembers a model file that was loaded, here and on disk.
func (r *Registry) noteOpened(ctx context.Context, m predict.Model, path string) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return
	}
	digest := m.Info().Digest
	r.mu.Lock()
	r.opened = append(slices.DeleteFunc(r.opened, func(e opened) bool { return e.path == abs }), opened{digest, abs})
	r.mu.Unlock()
	r.remember(ctx, digest, abs, "")
}
