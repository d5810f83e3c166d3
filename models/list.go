package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"

	"github.com/llmz/llmz/ggml/gguf"
)

// An Entry is what is known about a model without loading it.
type Entry struct {
	Name         string
	About        string // a sentence, for bundled models
	Bundled      bool
	Path         string // of the file, empty for bundled models
	Digest       [32]byte
	Bytes        int64  // of the file
	Architecture string // GGUF's general.architecture
	Parameters   int64  // elements of the weights; scales are not counted
	// Metadata holds the scalar metadata of the GGUF file as text.
	Metadata map[string]string
	// Problem says why the file is no usable model; most other fields are empty then.
	Problem error
}

// List returns the bundled models, then those in the registry's directory.
// Unusable files are listed with their Problem.
func (r *Registry) List(ctx context.Context) ([]Entry, error) {
	var list []Entry
	for i := range bundled {
		e, err := bundled[i].describe()
		if err != nil {
			e.Problem = err
		}
		list = append(list, e)
	}
	files, err := r.files()
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		e, err := describeFile(ctx, path)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			e.Problem = err
		}
		list = append(list, e)
	}
	return list, nil
}

// Describe returns what is known about the model of that name or path.
func (r *Registry) Describe(ctx context.Context, nameOrPath string) (Entry, error) {
	if b, ok := findBundled(nameOrPath); ok {
		return b.describe()
	}
	path, err := r.find(nameOrPath)
	if err != nil {
		return Entry{}, err
	}
	return describeFile(ctx, path)
}

func (b *bundle) describe() (Entry, error) {
	e := Entry{Name: b.name, About: b.about, Bundled: true, Bytes: int64(len(b.data())), Digest: b.digest()}
	f, err := gguf.Parse(b.data())
	if err != nil {
		return e, fmt.Errorf("bundled model %s: %w", b.name, err)
	}
	e.fill(f)
	return e, nil
}

func describeFile(ctx context.Context, path string) (Entry, error) {
	e := Entry{Name: modelName(path), Path: path}
	fi, err := os.Stat(path)
	if err != nil {
		return e, err
	}
	e.Bytes = fi.Size()
	f, err := gguf.Open(path)
	if err != nil {
		var pe *fs.PathError
		if !errors.As(err, &pe) {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return e, err
	}
	defer f.Close()
	e.fill(f)
	e.Digest, err = fileDigest(ctx, path)
	return e, err
}

// fill fills in what the GGUF metadata says.
func (e *Entry) fill(f *gguf.File) {
	e.Architecture, _ = gguf.Get[string](f, "general.architecture")
	e.Metadata = make(map[string]string)
	for _, kv := range f.KV {
		if s, ok := scalarText(kv.Value); ok {
			e.Metadata[kv.Key] = s
		}
	}
	for i := range f.Tensors {
		if !isScale(f.Tensors[i].Name) {
			e.Parameters += int64(f.Tensors[i].Elements())
		}
	}
}

// scalarText writes a metadata value on one line; arrays and long texts have no
// place there.
func scalarText(v any) (string, bool) {
	if s, ok := v.(string); ok {
		return s, len(s) <= 200
	}
	if k := reflect.ValueOf(v).Kind(); k == reflect.Slice || k == reflect.Invalid {
		return "", false
	}
	return fmt.Sprint(v), true
}

// isScale reports whether a tensor holds the scales of a quantised one.
func isScale(name string) bool {
	const suffix = ".scale"
	return len(name) > len(suffix) && name[len(name)-len(suffix):] == suffix
}
