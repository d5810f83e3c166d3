package convert

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models/convert/checkpoint"
)

// maxFile is the largest file that Load takes: networks are small.
const maxFile = 1 << 30

// Load reads a network from a file; see Read.
func Load(path string) (*Network, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, weightsError("%s is not a file", path)
	}
	f, err := ctxio.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n, err := read(f, st.Size())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return n, nil
}

// Read reads a network from the bytes of a GGUF file, a PyTorch state dict
// (torch.save) or a safetensors file, told apart by how they begin.
func Read(b []byte) (*Network, error) { return read(bytes.NewReader(b), int64(len(b))) }

func read(r io.ReaderAt, size int64) (*Network, error) {
	if size > maxFile {
		return nil, weightsError("%d bytes are more than any of these has", size)
	}
	magic := make([]byte, 4)
	if _, err := r.ReadAt(magic, 0); err == nil && string(magic) == "GGUF" {
		b := make([]byte, size)
		if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), b); err != nil {
			return nil, err
		}
		tensors, err := readGGUF(b)
		if err != nil {
			return nil, err
		}
		return NewNetwork(tensors)
	}
	named, err := checkpoint.Parse(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWeights, err)
	}
	tensors := make(map[string]Tensor, len(named))
	left := size // of elements: F16 takes two bytes of a file, and a few may be shared
	for _, name := range slices.Sorted(maps.Keys(named)) {
		t := named[name]
		if !t.Type.Float() && len(t.Shape) == 0 {
			continue // counters, such as num_batches_tracked
		}
		if left -= int64(t.Elements()); left < 0 || len(t.Shape) > 2 || t.Elements() == 0 {
			return nil, weightsError("tensor %q of shape %v has no place in it", name, t.Shape)
		}
		data := make([]float32, t.Elements())
		if err := t.Read(data, 0); err != nil {
			return nil, weightsError("tensor %q: %w", name, err)
		}
		tensors[name] = Tensor{Shape: t.Shape, Data: data}
	}
	return NewNetwork(tensors)
}

// readGGUF reads a model file, undoing its quantisation.
func readGGUF(b []byte) (map[string]Tensor, error) {
	f, err := gguf.Parse(b)
	if err != nil {
		return nil, err
	}
	if arch, err := gguf.Get[string](f, "general.architecture"); err != nil || arch != rnn.Architecture {
		return nil, weightsError("GGUF: architecture %q, not %q", arch, rnn.Architecture)
	}
	out := map[string]Tensor{}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		name := t.Name
		if n := len(name) - len(".scale"); n > 0 && name[n:] == ".scale" {
			continue
		}
		data, err := f.Float32s(t)
		if err != nil {
			return nil, weightsError("GGUF: tensor %q: %w", name, err)
		}
		shape := make([]int, 0, 2)
		for i := len(t.Shape) - 1; i >= 0; i-- {
			if t.Shape[i] != 1 || len(shape) > 0 || i == 0 {
				shape = append(shape, t.Shape[i])
			}
		}
		if t.Type == ggml.I8 {
			if err := unquantise(f, name, shape, data); err != nil {
				return nil, err
			}
		}
		out[name] = Tensor{Shape: shape, Data: data}
	}
	return out, nil
}

// unquantise multiplies each row by its scale.
func unquantise(f *gguf.File, name string, shape []int, data []float32) error {
	st, err := f.Tensor(name + ".scale")
	if err != nil {
		return weightsError("GGUF: %w", err)
	}
	scale, err := f.Float32s(st)
	if err != nil {
		return weightsError("GGUF: tensor %q: %w", st.Name, err)
	}
	if len(shape) != 2 || len(scale) != shape[0] || len(data) != shape[0]*shape[1] {
		return weightsError("GGUF: tensor %q of shape %v has %d scales", name, shape, len(scale))
	}
	for r, s := range scale {
		row := data[r*shape[1] : (r+1)*shape[1]]
		for i := range row {
			row[i] *= s
		}
	}
	return nil
}

// RNN converts the network at path to a GGUF file at out, which appears whole or
// not at all.
func RNN(ctx context.Context, path, out string, o WriteOptions) error {
	a, err := outfile.LikeAll(path)
	if err != nil {
		return err
	}
	n, err := Load(path)
	if err != nil {
		return err
	}
	return n.Save(ctx, out, o, a)
}

// Save writes the network to a GGUF file, which appears whole or not at all.
func (n *Network) Save(ctx context.Context, path string, o WriteOptions, a outfile.Attributes) error {
	return outfile.Write(ctx, path, outfile.Options{Replace: true}, a, func(w io.Writer) error { return n.WriteGGUF(w, o) })
}
