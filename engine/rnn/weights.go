package rnn

import (
	"errors"
	"fmt"
	"math"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// Architecture is the value of general.architecture in model files.
const Architecture = "llmz-rnn"

// ErrModel means that a GGUF file holds no network this package can run.
var ErrModel = errors.New("not a usable llmz-rnn model")

// Limits of the hyper-parameters, far above what is of use.
const (
	maxLayers = 16
	maxHidden = 4096
	// maxValue bounds scales and biases, so that no sum can overflow a float32.
	maxValue = 1e6
)

// Config holds the hyper-parameters of a network.
type Config struct {
	Cell   string // "gru" or "lstm"
	Layers int
	Hidden int // size of the hidden state of a layer
	Embed  int // size of a symbol's embedding
}

// Gates returns the number of rows of weights per hidden unit.
func (c Config) Gates() int {
	if c.Cell == "lstm" {
		return 4
	}
	return 3
}

// Parameters returns the number of weights and biases.
func (c Config) Parameters() int64 {
	h, e, g := int64(c.Hidden), int64(c.Embed), int64(c.Gates())
	n := Vocabulary*e + Alphabet*h + Alphabet
	for l := range c.Layers {
		in := h
		if l == 0 {
			in = e
		}
		n += g*h*(in+h) + 2*g*h
	}
	return n
}

// matrix is an int8 matrix, row after row, with the scale of each row.
type matrix struct {
	q     []int8
	scale []float32
	rows  int
	cols  int
}

type weights struct {
	Config
	embedding matrix // [Vocabulary x Embed]
	layers    []layerWeights
	fc        matrix // [Alphabet x Hidden]
	fcBias    []float32
}

type layerWeights struct {
	ih, hh         matrix // [Gates*Hidden x Embed or Hidden], [Gates*Hidden x Hidden]
	biasIH, biasHH []float32
}

func modelError(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrModel, fmt.Errorf(format, a...))
}

// readWeights reads and checks all of a model.
func readWeights(f *gguf.File) (*weights, error) {
	c, err := readConfig(f)
	if err != nil {
		return nil, err
	}
	w := &weights{Config: c}
	if w.embedding, err = readMatrix(f, "embedding.weight", Vocabulary, c.Embed); err != nil {
		return nil, err
	}
	rows := c.Gates() * c.Hidden
	for l := range c.Layers {
		var lw layerWeights
		cols := c.Hidden
		if l == 0 {
			cols = c.Embed
		}
		if lw.ih, err = readMatrix(f, fmt.Sprintf("%s.weight_ih_l%d", c.Cell, l), rows, cols); err != nil {
			return nil, err
		}
		if lw.hh, err = readMatrix(f, fmt.Sprintf("%s.weight_hh_l%d", c.Cell, l), rows, c.Hidden); err != nil {
			return nil, err
		}
		if lw.biasIH, err = readVector(f, fmt.Sprintf("%s.bias_ih_l%d", c.Cell, l), rows); err != nil {
			return nil, err
		}
		if lw.biasHH, err = readVector(f, fmt.Sprintf("%s.bias_hh_l%d", c.Cell, l), rows); err != nil {
			return nil, err
		}
		w.layers = append(w.layers, lw)
	}
	if w.fc, err = readMatrix(f, "fc.weight", Alphabet, c.Hidden); err != nil {
		return nil, err
	}
	w.fcBias, err = readVector(f, "fc.bias", Alphabet)
	return w, err
}

func readConfig(f *gguf.File) (Config, error) {
	var c Config
	arch, err := gguf.Get[string](f, "general.architecture")
	if err != nil {
		return c, modelError("%w", err)
	}
	if arch != Architecture {
		return c, modelError("architecture %q, not %q", arch, Architecture)
	}
	if c.Cell, err = gguf.Get[string](f, "llmz.cell"); err != nil {
		return c, modelError("%w", err)
	}
	if c.Cell != "gru" && c.Cell != "lstm" {
		return c, modelError("cell %q, not gru or lstm", c.Cell)
	}
	var numerics int
	for _, v := range []struct {
		key   string
		dst   *int
		limit int
	}{
		{"llmz.layers", &c.Layers, maxLayers},
		{"llmz.hidden", &c.Hidden, maxHidden},
		{"llmz.embed", &c.Embed, maxHidden},
		{"llmz.numerics", &numerics, math.MaxInt32},
	} {
		n, err := gguf.Integer(f, v.key)
		if err != nil {
			return c, modelError("%w", err)
		}
		if n == 0 || n > v.limit {
			return c, modelError("%s is %d, not 1 to %d", v.key, n, v.limit)
		}
		*v.dst = n
	}
	if numerics != Numerics {
		return c, modelError("numerics %d; this version knows %d only, a newer one may know more", numerics, Numerics)
	}
	return c, nil
}

// shaped returns the tensor of that name if it has rows x cols elements; rows 0
// stands for a vector.
func shaped(f *gguf.File, name string, rows, cols int) (*gguf.Tensor, error) {
	t, err := f.Tensor(name)
	if err != nil {
		return nil, modelError("%w", err)
	}
	want := []int{cols, rows, 1, 1}
	if rows == 0 {
		want[1] = 1
	}
	for i, n := range want {
		have := 1
		if i < len(t.Shape) {
			have = t.Shape[i]
		}
		if have != n {
			return nil, modelError("tensor %q has shape %v, not %v", name, t.Shape, want[:2])
		}
	}
	return t, nil
}

// readVector reads n finite, reasonable values.
func readVector(f *gguf.File, name string, n int) ([]float32, error) {
	t, err := shaped(f, name, 0, n)
	if err != nil {
		return nil, err
	}
	return readFloats(f, t)
}

func readFloats(f *gguf.File, t *gguf.Tensor) ([]float32, error) {
	switch t.Type {
	case ggml.F32, ggml.F16, ggml.BF16:
	default:
		return nil, modelError("tensor %q is of type %v", t.Name, t.Type)
	}
	v, err := f.Float32s(t)
	if err != nil {
		return nil, modelError("%w", err)
	}
	for i, x := range v {
		if !(x >= -maxValue && x <= maxValue) {
			return nil, modelError("tensor %q: value %d is %g, not within ±%g", t.Name, i, x, float64(maxValue))
		}
	}
	return v, nil
}

// readMatrix reads an int8 matrix with its scales, or quantises one of floats.
func readMatrix(f *gguf.File, name string, rows, cols int) (matrix, error) {
	m := matrix{rows: rows, cols: cols}
	t, err := shaped(f, name, rows, cols)
	if err != nil {
		return m, err
	}
	if t.Type != ggml.I8 {
		v, err := readFloats(f, t)
		if err != nil {
			return m, err
		}
		if m.q, m.scale, err = ggml.QuantizeRows(v, rows, cols); err != nil {
			return m, modelError("tensor %q: %w", name, err)
		}
		return m, nil
	}
	b, err := f.Data(t)
	if err != nil {
		return m, modelError("%w", err)
	}
	m.q = make([]int8, len(b))
	for i, x := range b {
		if x == 0x80 {
			return m, modelError("tensor %q: value %d is -128, not within ±127", name, i)
		}
		m.q[i] = int8(x)
	}
	m.scale, err = readVector(f, name+".scale", rows)
	return m, err
}
