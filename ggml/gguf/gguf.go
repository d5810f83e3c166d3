// Package gguf reads and writes GGUF files, version 3: metadata and tensors, as
// specified in docs/gguf.md of the ggml project.
//
// The reader is made for hostile files: every count, length and offset is checked
// against the bytes that are there before anything is allocated, so memory stays
// within a small multiple of the file's size. The writer is deterministic: the
// same calls give the same bytes.
package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/llmz/llmz/ggml"
)

const (
	magic = "GGUF"
	// Version is the version of the format that is written. Version 2 has the same
	// layout and is read too.
	Version = 3

	defaultAlignment = 32
	alignmentKey     = "general.alignment"

	maxAlignment  = 1 << 20
	maxKeyLength  = 1<<16 - 1
	maxNameLength = 64
	maxDims       = 4
	maxNesting    = 4

	minKVBytes     = 8 + 1 + 4 + 1
	minTensorBytes = 8 + 1 + 4 + 8 + 4 + 8
)

// Errors of readers. A *FormatError wraps ErrFormat.
var (
	// ErrFormat means that the file is not GGUF, is damaged, or is of an unsupported
	// version.
	ErrFormat = errors.New("not a usable GGUF file")
	// ErrKey means that a metadata entry is missing or of another type.
	ErrKey = errors.New("GGUF metadata")
	// ErrTensor means that a tensor is missing or of another type or shape.
	ErrTensor = errors.New("GGUF tensor")
)

// FormatError tells what is wrong with a file, and where.
type FormatError struct {
	Offset int64 // in bytes from the start of the file
	Msg    string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%v: offset %d: %s", ErrFormat, e.Offset, e.Msg)
}

// Unwrap returns ErrFormat.
func (e *FormatError) Unwrap() error { return ErrFormat }

// Tensor describes a tensor of a file.
type Tensor struct {
	Name string
	Type ggml.Type
	// Shape holds the number of elements in each dimension, ggml's ne: Shape[0] is
	// the dimension whose elements are adjacent (the columns of a matrix).
	Shape []int
	// Offset is the position of the data in the file, Size its length, in bytes.
	Offset, Size int64
}

// Elements returns the number of elements.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// File is a parsed GGUF file. Its metadata is in memory; tensor data is read when
// asked for. It may be used by several goroutines.
type File struct {
	Version   uint32
	Alignment int
	KV        []KV // in the file's order
	Tensors   []Tensor

	r       io.ReaderAt
	data    []byte // the whole file if it is in memory
	closer  io.Closer
	keys    map[string]int
	tensors map[string]int
}

// Open parses the file at path. The caller must Close it.
func Open(path string) (*File, error) {
	// Of a pipe the opening would wait for its other end, and nothing but files can be read
	// at any place.
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is no regular file", path, ErrFormat)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil {
		var g *File
		if g, err = Read(f, st.Size()); err == nil {
			g.closer = f
			return g, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("%s: %w", path, err)
}

// Parse parses a file that is in memory. Tensor data aliases b.
func Parse(b []byte) (*File, error) {
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	f.data = b
	return f, nil
}

// Close closes the file that Open opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Value returns the metadata value of key, see KV.
func (f *File) Value(key string) (any, bool) {
	i, ok := f.keys[key]
	if !ok {
		return nil, false
	}
	return f.KV[i].Value, true
}

// Get returns the metadata value of key, which must be of type T.
func Get[T any](f *File, key string) (T, error) {
	var zero T
	v, ok := f.Value(key)
	if !ok {
		return zero, fmt.Errorf("%w: %q is missing", ErrKey, key)
	}
	t, ok := v.(T)
	if !ok {
		return zero, fmt.Errorf("%w: %q is a %T, not a %T", ErrKey, key, v, zero)
	}
	return t, nil
}

// Tensor returns the tensor of that name, or an error that wraps ErrTensor.
func (f *File) Tensor(name string) (*Tensor, error) {
	i, ok := f.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q is missing", ErrTensor, name)
	}
	return &f.Tensors[i], nil
}

// Data returns the bytes of a tensor; they must not be changed.
func (f *File) Data(t *Tensor) ([]byte, error) {
	if f.data != nil {
		return f.data[t.Offset : t.Offset+t.Size : t.Offset+t.Size], nil
	}
	b := make([]byte, t.Size)
	if _, err := f.r.ReadAt(b, t.Offset); err != nil {
		return nil, fmt.Errorf("read tensor %q: %w", t.Name, noEOF(err))
	}
	return b, nil
}

// Float32s returns the elements of a tensor converted to float32, see
// ggml.Dequantize.
func (f *File) Float32s(t *Tensor) ([]float32, error) {
	b, err := f.Data(t)
	if err != nil {
		return nil, err
	}
	v, err := ggml.Dequantize(t.Type, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrTensor, t.Name, err)
	}
	return v, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
