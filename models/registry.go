// Package models knows which models there are: the bundled ones, whose weights
// are part of the program, and those that the user keeps in the data directory.
// It opens them by name, by path, or by the digest that an archive records.
//
// Concurrency: a Registry may be used by several goroutines once it is set up.
package models

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/adrg/xdg"

	"github.com/llmz/llmz/engine/predict"
)

// Extension ends the names of model files.
const Extension = ".gguf"

// DataDir returns the directory in which llmz keeps what it downloads or makes:
// LLMZ_DATA_DIR, or "llmz" in the user's data directory.
func DataDir() string {
	if dir := os.Getenv("LLMZ_DATA_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(xdg.DataHome, "llmz")
}

// Dir returns the directory in which users keep models.
func Dir() string { return filepath.Join(DataDir(), "models") }

// A Registry finds models. It implements predict.Resolver.
type Registry struct {
	// Dir is searched for models besides the bundled ones.
	Dir string
	// Device is where models of an external runtime are to run: "auto", "cpu",
	// "cuda", "metal" or "vulkan". Bundled models run on the CPU.
	Device string
	// Kernel chooses the CPU kernels of an external runtime: a variant's name,
	// "native" for the fastest here, or empty for the one that most machines share.
	Kernel string
	// Runtime is what runs a language model: "native" for the bundled graph,
	// "llama.cpp", or empty for the bundled graph where it knows the architecture and
	// no accelerator is asked for.
	Runtime string
	// Notice, if not nil, is told in a sentence what a user would not expect.
	Notice func(string)
	// GPULayers is the number of layers that an external runtime keeps on an
	// accelerator, 0 for all.
	GPULayers int

	mu sync.Mutex
	// preferred are model files outside Dir to look at first when an archive is
	// decoded: those the user named.
	preferred []string
	// opened are the model files that were loaded.
	opened []opened
}

// NewRegistry returns a registry of the bundled models and those in Dir().
func NewRegistry() *Registry { return &Registry{Dir: Dir(), Device: "auto"} }

// Open loads a model by its name ("gru") or by the path of a GGUF file. Errors
// wrap predict.ErrModelMissing where there is no such model.
func (r *Registry) Open(ctx context.Context, nameOrPath string) (predict.Model, error) {
	if isBundled(nameOrPath) {
		return Bundled(ctx, nameOrPath)
	}
	path, err := r.find(nameOrPath)
	if err != nil {
		return nil, err
	}
	r.prefer(path)
	m, err := r.openFile(ctx, path, nil)
	if err == nil {
		r.noteOpened(ctx, m, path)
	}
	return m, err
}

// find returns the path of the model file that the user means.
func (r *Registry) find(nameOrPath string) (string, error) {
	if looksLikePath(nameOrPath) {
		fi, err := os.Stat(nameOrPath)
		if err != nil {
			var pe *fs.PathError
			if errors.As(err, &pe) {
				err = pe.Err
			}
			return "", fmt.Errorf("%s: %w: %w", nameOrPath, predict.ErrModelMissing, err)
		}
		if fi.IsDir() {
			return "", fmt.Errorf("%s is a directory, not a GGUF file: %w", nameOrPath, predict.ErrModelMissing)
		}
		return nameOrPath, nil
	}
	path := filepath.Join(r.Dir, nameOrPath+Extension)
	if _, err := os.Stat(path); err != nil {
		return "", &MissingError{Name: nameOrPath}
	}
	return path, nil
}

// looksLikePath reports whether s names a file rather than a registered model.
func looksLikePath(s string) bool {
	return strings.ContainsAny(s, `/\`) || strings.EqualFold(filepath.Ext(s), Extension)
}

// Prefer makes the resolver look at a model first that the user names.
func (r *Registry) Prefer(nameOrPath string) error {
	if isBundled(nameOrPath) {
		return nil // always looked at
	}
	path, err := r.find(nameOrPath)
	if err == nil {
		r.prefer(path)
	}
	return err
}

// prefer puts path first.
func (r *Registry) prefer(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := slices.DeleteFunc(r.preferred, func(p string) bool { return p == path })
	r.preferred = append([]string{path}, rest...)
}

// Resolve loads the model that an archive was made with: exactly that one, by
// digest, whatever its name.
func (r *Registry) Resolve(ctx context.Context, ref predict.Ref) (predict.Model, error) {
	if len(ref.Digest) < minDigest {
		return nil, fmt.Errorf("model %q has a digest of %d bytes: %w", ref.Name, len(ref.Digest), predict.ErrMismatch)
	}
	if b, ok := findBundledDigest(ref.Digest); ok {
		return b.open(ctx, &ref)
	}
	path, err := r.findDigest(ctx, ref)
	if err != nil {
		return nil, err
	}
	m, err := r.openFile(ctx, path, &ref)
	if err == nil {
		r.noteOpened(ctx, m, path)
	}
	return m, err
}

// minDigest is the number of digest bytes below which archives are refused:
// enough to tell models apart.
const minDigest = 8

// matches reports whether a model's digest is the one an archive records, in
// full or its first bytes.
func matches(full [32]byte, want []byte) bool {
	return len(want) <= len(full) && bytes.Equal(full[:len(want)], want)
}

// findDigest returns the file that holds the model of an archive.
func (r *Registry) findDigest(ctx context.Context, ref predict.Ref) (string, error) {
	files, err := r.files()
	if err != nil {
		return "", err
	}
	// The one of that name is the likeliest, and hashing takes a while.
	slices.SortStableFunc(files, func(a, b string) int {
		return bool2int(modelName(b) == ref.Name) - bool2int(modelName(a) == ref.Name)
	})
	r.mu.Lock()
	preferred := slices.Clone(r.preferred)
	r.mu.Unlock()
	for _, path := range preferred {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if digest, err := fileDigest(ctx, path); err == nil && matches(digest, ref.Digest) {
			return path, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	sighted := r.seen(ref.Digest)
	if path := sighted.find(ctx, ref.Digest); path != "" {
		return path, nil
	}
	files = append(preferred, files...)
	var other [32]byte // what else is here under that name
	found := false
	for _, path := range files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		digest, err := fileDigest(ctx, path)
		if err != nil {
			continue // unreadable files are not the one
		}
		if matches(digest, ref.Digest) {
			return path, nil
		}
		if modelName(path) == ref.Name || slices.Contains(preferred, path) {
			other, found = digest, true
		}
	}
	if b, ok := findBundled(ref.Name); ok && !found {
		other, found = b.digest(), true
	}
	e := &MissingError{Name: ref.Name, Digest: ref.Digest, Dir: r.Dir, Was: sighted.Paths, From: sighted.From}
	if found {
		e.Present = other[:]
	}
	return "", e
}

// files lists the model files in the registry's directory, by name.
func (r *Registry) files() ([]string, error) {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), Extension) {
			files = append(files, filepath.Join(r.Dir, e.Name()))
		}
	}
	return files, nil
}

// Installed returns the names of the models in the registry's directory. Whether they can
// be used is not looked at.
func (r *Registry) Installed() []string {
	files, _ := r.files() // without one there are none
	var names []string
	for _, path := range files {
		names = append(names, modelName(path))
	}
	return names
}

// Names returns the names of the bundled models and of the Installed ones.
func (r *Registry) Names() []string {
	var names []string
	for i := range bundled {
		names = append(names, bundled[i].name)
	}
	return append(names, r.Installed()...)
}

// modelName is the name of the model in a file.
// Label returns what a model is called that is named so: archives record the same.
func Label(nameOrPath string) string {
	if looksLikePath(nameOrPath) {
		return modelName(nameOrPath)
	}
	return nameOrPath
}

func modelName(path string) string {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A MissingError says which model is needed and not here. It is a
// predict.ErrModelMissing, and a predict.ErrMismatch if another model of that
// name is here.
type MissingError struct {
	Name    string
	Digest  []byte   // what is needed; empty where only the name is known
	Present []byte   // digest of the other model of that name, empty for none
	Dir     string   // where the needed model would be looked for
	From    string   // where it was downloaded from, as "models pull" takes it
	Was     []string // paths where it was seen, the last one first
}

func (e *MissingError) Error() string {
	switch {
	case len(e.Digest) == 0:
		return fmt.Sprintf("there is no model %q here", e.Name)
	case len(e.Present) > 0:
		return fmt.Sprintf("made with model %s (SHA-256 %s), but the %s here is another one (%s)",
			e.Name, brief(e.Digest), e.Name, brief(e.Present))
	}
	return fmt.Sprintf("made with model %s (SHA-256 %s), which is not here", e.Name, brief(e.Digest))
}

// Is makes errors.Is find the sentinels of package predict.
func (e *MissingError) Is(target error) bool {
	return target == predict.ErrModelMissing || target == predict.ErrMismatch && len(e.Present) > 0
}

// Get returns the command that downloads the model, empty where none does.
func (e *MissingError) Get() string {
	if !slices.ContainsFunc(known, func(k Known) bool { return strings.EqualFold(k.Name, e.Name) }) {
		return ""
	}
	return "llmz models pull " + e.Name
}

// Hint returns what to do.
func (e *MissingError) Hint() string {
	get := e.Get()
	switch {
	case len(e.Digest) == 0 && get != "":
		return fmt.Sprintf("%q downloads it", get)
	case len(e.Digest) == 0:
		return `"llmz models list" shows the models that are here, "llmz models pull --help" those that can be had by name`
	case isBundled(e.Name):
		return fmt.Sprintf("decode it with the release of llmz that made it, or put that model's file into %s", e.Dir)
	}
	seen := ""
	if len(e.Was) > 0 {
		seen = fmt.Sprintf("it was last seen at %s, which is gone or changed: ", e.Was[0])
	}
	if e.From != "" {
		get = "llmz models pull " + e.From
	}
	if get != "" && len(e.Present) == 0 {
		return fmt.Sprintf("%s%q downloads it; or put its file into %s, or name it with -m PATH%s", seen, get, e.Dir, Extension)
	}
	return fmt.Sprintf("%sput that model's file into %s (\"llmz models add\"), or name it with -m PATH%s", seen, e.Dir, Extension)
}

func brief(digest []byte) string { return hex.EncodeToString(digest[:min(8, len(digest))]) }

// Lookup returns what is known about the model of an archive, if it is on this
// machine, without loading it.
func (r *Registry) Lookup(ctx context.Context, ref predict.Ref) (Entry, error) {
	if b, ok := findBundledDigest(ref.Digest); ok {
		return b.describe()
	}
	path, err := r.findDigest(ctx, ref)
	if err != nil {
		return Entry{}, err
	}
	return describeFile(ctx, path)
}
