// Package checkpoint reads named tensors from the files of other programs: those
// of torch.save, in their format of today and the one before PyTorch 1.6, and
// safetensors, whole or in shards. Nothing in a file is executed, and what a file
// says never decides how much memory is used.
package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine/ctxio"
)

// ErrFormat means that an input file is damaged or not of a kind that can be
// converted.
var ErrFormat = errors.New("cannot convert")

func formatf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// A Checkpoint is a set of named tensors.
type Checkpoint struct {
	Tensors map[string]*Tensor
	// Bytes is the length of the files that hold them.
	Bytes int64
	files []*os.File
}

// Close closes the files. The tensors cannot be read after it.
func (c *Checkpoint) Close() error {
	var err error
	for _, f := range c.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Open opens a file.
func Open(path string) (*Checkpoint, error) {
	c := &Checkpoint{Tensors: map[string]*Tensor{}}
	ts, err := c.add(path)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.Tensors = trimNames(ts)
	return c, nil
}

// OpenFolder opens the weights of a Hugging Face folder.
func OpenFolder(dir string) (*Checkpoint, error) {
	for _, name := range []string{"model.safetensors", "pytorch_model.bin"} {
		whole, index := filepath.Join(dir, name), filepath.Join(dir, name+IndexSuffix)
		if _, err := os.Lstat(whole); err == nil {
			return Open(whole)
		}
		if _, err := os.Lstat(index); err == nil {
			return openShards(dir, index)
		}
	}
	return nil, formatf("%s has neither model.safetensors nor pytorch_model.bin, nor an index of their parts", dir)
}

// maxShards bounds the files of a checkpoint.
const maxShards = 1000

// IndexSuffix ends the name of the file that says which shard holds which tensor.
const IndexSuffix = ".index.json"

// Shards returns the names of the files that an index names, which lie beside it.
func Shards(index string) ([]string, error) {
	files, err := readIndex(index)
	return slices.Compact(slices.Sorted(maps.Values(files))), err
}

// readIndex returns the file of each tensor.
func readIndex(index string) (map[string]string, error) {
	var x struct {
		Files map[string]string `json:"weight_map"`
	}
	if err := ReadJSON(index, &x); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, name := range x.Files {
		if name != filepath.Base(name) || !filepath.IsLocal(name) {
			return nil, formatf("%s names the file %q, which is not beside it", index, shorten(name))
		}
		names[name] = true
	}
	if len(names) == 0 || len(names) > maxShards {
		return nil, formatf("%s names %d files", index, len(names))
	}
	return x.Files, nil
}

// openShards opens the files that an index names.
func openShards(dir, index string) (_ *Checkpoint, err error) {
	files, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	byFile := map[string]map[string]*Tensor{}
	for _, name := range slices.Compact(slices.Sorted(maps.Values(files))) {
		if byFile[name], err = c.add(filepath.Join(dir, name)); errors.Is(err, os.ErrNotExist) {
			return nil, formatf("%s names the file %q, which is not here", index, shorten(name))
		} else if err != nil {
			return nil, err
		}
	}
	ts := map[string]*Tensor{}
	for name, file := range files {
		if ts[name] = byFile[file][name]; ts[name] == nil {
			return nil, formatf("%s has no tensor %q, which %s says", file, shorten(name), filepath.Base(index))
		}
	}
	c.Tensors = trimNames(ts)
	return c, nil
}

func (c *Checkpoint) add(path string) (map[string]*Tensor, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	c.files = append(c.files, f)
	c.Bytes += size
	ts, err := Parse(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ts, nil
}

// openRegular opens a file that has an end.
func openRegular(path string) (*os.File, int64, error) {
	st, err := os.Stat(path) // a FIFO would hold the opening
	if err != nil {
		return nil, 0, err
	}
	if !st.Mode().IsRegular() {
		what := "a device, pipe or socket"
		if st.IsDir() {
			what = "a folder"
		}
		return nil, 0, formatf("%s is %s, not a file", path, what)
	}
	f, err := ctxio.OpenRegular(path)
	return f, st.Size(), err
}

// Parse reads the index of a file of any of the formats, told apart by how it
// begins. The tensors' data is read from r when it is asked for.
func Parse(r io.ReaderAt, size int64) (map[string]*Tensor, error) {
	head := make([]byte, min(size, 512))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, int64(len(head))), head); err != nil {
		return nil, err
	}
	switch kind := sniff(head); kind {
	case kindZip:
		return parseTorchZip(r, size)
	case kindSafetensors:
		return parseSafetensors(r, size)
	case kindPickle:
		return parseTorchLegacy(r, size)
	default:
		return nil, formatf("%s", kind)
	}
}

// trimNames takes away what wrappers put before all names: DistributedDataParallel
// module., torch.compile _orig_mod.
func trimNames(ts map[string]*Tensor) map[string]*Tensor {
	for again := true; again && len(ts) > 0; {
		again = false
		for _, prefix := range []string{"module.", "_orig_mod.", "_forward_module.", "_fsdp_wrapped_module."} {
			all := true
			for name := range ts {
				all = all && len(name) > len(prefix) && strings.HasPrefix(name, prefix)
			}
			if !all {
				continue
			}
			short := make(map[string]*Tensor, len(ts))
			for name, t := range ts {
				short[name[len(prefix):]] = t
			}
			ts, again = short, true
		}
	}
	return ts
}

// MaxText bounds the files of text of a folder: configurations and vocabularies.
const MaxText = 16 << 20

// ReadText reads a small file of text, without a byte order mark.
func ReadText(path string) ([]byte, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > MaxText {
		return nil, formatf("%s has %d bytes, more than a file of its kind", path, size)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxText))
	if err != nil {
		return nil, err
	}
	switch kind := sniff(b); kind {
	case kindPointer, kindPage, kindEmpty:
		return nil, formatf("%s: %s", path, kind)
	}
	if b, ok := strings.CutPrefix(string(b), "\ufeff"); ok {
		return []byte(b), nil
	}
	if len(b) > 1 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff) {
		return nil, formatf("%s is in UTF-16: save it as UTF-8", path)
	}
	return b, nil
}

// ReadJSON reads a small JSON file into v.
func ReadJSON(path string, v any) error {
	b, err := ReadText(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return formatf("%s: %v", path, err)
	}
	return nil
}
