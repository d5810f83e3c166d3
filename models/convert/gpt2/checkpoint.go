// Package gpt2 turns Hugging Face folders with models of GPT-2's architecture
// into GGUF files that llama.cpp loads. The same input gives the same bytes on
// every machine.
package gpt2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/llmz/llmz/ggml"
)

// ErrFormat means that an input file is damaged or not of a kind that can be
// converted.
var ErrFormat = errors.New("cannot convert")

func formatf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// A checkpoint is a file of named tensors.
type checkpoint struct {
	tensors map[string]tensor
	f       *os.File
}

// A tensor is a dense array in a checkpoint, row-major: the last index is the
// fastest.
type tensor struct {
	shape  []int
	dtype  dtype
	offset int64 // of the first byte in the file
}

type dtype uint8

const (
	dtypeF32 dtype = iota + 1
	dtypeF16
	dtypeBF16
	dtypeF64
	dtypeOther // integers and the like, of which only the size matters
)

func (d dtype) size() int {
	switch d {
	case dtypeF16, dtypeBF16:
		return 2
	case dtypeF64:
		return 8
	}
	return 4
}

// maxElements bounds a tensor, so that sizes computed from untrusted shapes
// cannot overflow.
const maxElements = 1 << 33

func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxElements/d {
			return 0, formatf("a tensor of shape %v", shape)
		}
		n *= d
	}
	return n, nil
}

// openCheckpoint opens the weights of a Hugging Face folder.
func openCheckpoint(dir string) (*checkpoint, error) {
	for _, c := range []struct {
		name  string
		parse func(*os.File, int64) (map[string]tensor, error)
	}{
		{"model.safetensors", readSafetensors},
		{"pytorch_model.bin", readTorch},
	} {
		f, err := os.Open(filepath.Join(dir, c.name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		ts, err := c.parse(f, st.Size())
		if err == nil {
			err = checkBounds(ts, st.Size())
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		return &checkpoint{tensors: ts, f: f}, nil
	}
	return nil, formatf("%s has neither model.safetensors nor pytorch_model.bin", dir)
}

func checkBounds(ts map[string]tensor, size int64) error {
	for name, t := range ts {
		n, err := elements(t.shape)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if t.dtype == dtypeOther {
			continue
		}
		if t.offset < 0 || t.offset > size || int64(n)*int64(t.dtype.size()) > size-t.offset {
			return formatf("%s lies outside the file", name)
		}
	}
	return nil
}

func (c *checkpoint) Close() error { return c.f.Close() }

// floats reads a tensor.
func (c *checkpoint) floats(name string) ([]float32, []int, error) {
	t, ok := c.tensors[name]
	if !ok {
		return nil, nil, formatf("there is no tensor %q", name)
	}
	if t.dtype == dtypeOther {
		return nil, nil, formatf("%s does not hold floating-point numbers", name)
	}
	n, err := elements(t.shape)
	if err != nil {
		return nil, nil, err
	}
	raw := make([]byte, n*t.dtype.size())
	if _, err := io.ReadFull(io.NewSectionReader(c.f, t.offset, int64(len(raw))), raw); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]float32, n)
	for i := range out {
		switch t.dtype {
		case dtypeF32:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		case dtypeF16:
			out[i] = ggml.Float16To32(binary.LittleEndian.Uint16(raw[2*i:]))
		case dtypeBF16:
			out[i] = ggml.BFloat16To32(binary.LittleEndian.Uint16(raw[2*i:]))
		case dtypeF64:
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	}
	return out, t.shape, nil
}
