// Package convert reads the weights of byte-level recurrent networks from
// PyTorch state dicts, safetensors and GGUF files, and writes the GGUF files that
// engine/rnn runs.
package convert

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// ErrWeights means that a file does not hold the weights of such a network.
var ErrWeights = errors.New("not the weights of a byte-level GRU or LSTM")

// Tensor is a tensor of float32 values, the last dimension adjacent in memory.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Network is a byte-level network: an embedding of 257 symbols (256 bytes and the
// start symbol), layers of GRU or LSTM cells in PyTorch's layout and gate order,
// and a linear output layer.
type Network struct {
	rnn.Config
	// Tensors has the names of model files: embedding.weight, gru.weight_ih_l0, …,
	// fc.weight, fc.bias.
	Tensors map[string]Tensor
}

// spec is what a network's tensors are called and how large they are. Vectors
// have rows 0.
type spec struct {
	name       string
	rows, cols int
}

func specs(c rnn.Config) []spec {
	g := c.Gates() * c.Hidden
	list := []spec{{"embedding.weight", rnn.Vocabulary, c.Embed}}
	in := c.Embed
	for l := range c.Layers {
		list = append(list,
			spec{fmt.Sprintf("%s.weight_ih_l%d", c.Cell, l), g, in},
			spec{fmt.Sprintf("%s.weight_hh_l%d", c.Cell, l), g, c.Hidden},
			spec{fmt.Sprintf("%s.bias_ih_l%d", c.Cell, l), 0, g},
			spec{fmt.Sprintf("%s.bias_hh_l%d", c.Cell, l), 0, g})
		in = c.Hidden
	}
	return append(list, spec{"fc.weight", rnn.Alphabet, c.Hidden}, spec{"fc.bias", 0, rnn.Alphabet})
}

func weightsError(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrWeights, fmt.Errorf(format, a...))
}

// NewNetwork finds out the hyper-parameters from the tensors' shapes. Modules may
// have other names than in model files, as long as the cells' weights end in
// weight_ih_l0 and so on.
func NewNetwork(tensors map[string]Tensor) (*Network, error) {
	names := slices.Sorted(maps.Keys(tensors))
	for _, n := range names {
		t := tensors[n]
		size := 1
		for _, d := range t.Shape {
			if d < 1 || size > math.MaxInt32/d {
				return nil, weightsError("tensor %q has shape %v", n, t.Shape)
			}
			size *= d
		}
		if size != len(t.Data) {
			return nil, weightsError("tensor %q has %d values for shape %v", n, len(t.Data), t.Shape)
		}
	}
	var prefix string
	for _, n := range names {
		if p, ok := strings.CutSuffix(n, "weight_hh_l0"); ok {
			prefix = p
		}
	}
	hh, ok := tensors[prefix+"weight_hh_l0"]
	if !ok || len(hh.Shape) != 2 {
		return nil, weightsError("no matrix weight_hh_l0 among its %d tensors", len(names))
	}
	c := rnn.Config{Hidden: hh.Shape[1], Cell: "gru"}
	switch hh.Shape[0] {
	case 3 * c.Hidden:
	case 4 * c.Hidden:
		c.Cell = "lstm"
	default:
		return nil, weightsError("%dx%d recurrent weights are neither a GRU's nor an LSTM's", hh.Shape[0], hh.Shape[1])
	}
	renamed := map[string]Tensor{}
	for _, n := range names {
		t := tensors[n]
		rest, recurrent := strings.CutPrefix(n, prefix)
		switch {
		case recurrent && (strings.HasPrefix(rest, "weight_") || strings.HasPrefix(rest, "bias_")):
			if strings.HasPrefix(rest, "weight_hh_l") {
				c.Layers++
			}
			renamed[c.Cell+"."+rest] = t
		case len(t.Shape) == 2 && t.Shape[0] == rnn.Vocabulary:
			c.Embed = t.Shape[1]
			renamed["embedding.weight"] = t
		case len(t.Shape) == 2 && t.Shape[0] == rnn.Alphabet && t.Shape[1] == c.Hidden:
			renamed["fc.weight"] = t
		case len(t.Shape) == 1 && t.Shape[0] == rnn.Alphabet:
			renamed["fc.bias"] = t
		default:
			return nil, weightsError("tensor %q of shape %v has no place in it", n, t.Shape)
		}
	}
	net := &Network{Config: c, Tensors: renamed}
	return net, net.check()
}

// check reports tensors that are missing, of another shape or not finite.
func (n *Network) check() error {
	for _, s := range specs(n.Config) {
		t, ok := n.Tensors[s.name]
		if !ok {
			return weightsError("tensor %q is missing", s.name)
		}
		want := []int{s.rows, s.cols}
		if s.rows == 0 {
			want = want[1:]
		}
		if !slices.Equal(t.Shape, want) {
			return weightsError("tensor %q has shape %v, not %v", s.name, t.Shape, want)
		}
		for i, v := range t.Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return weightsError("tensor %q: value %d is not finite", s.name, i)
			}
		}
	}
	return nil
}

// WriteOptions are the options of WriteGGUF.
type WriteOptions struct {
	// Quantise writes int8 matrices with a scale for each row, which is what runs, in
	// a quarter of the size; otherwise all weights are float32 and are quantised when
	// the model is loaded.
	Quantise bool
	// Name, Description and License are recorded where not empty.
	Name, Description, License string
}

// WriteGGUF writes the network as a GGUF file. The same network gives the same
// bytes.
func (n *Network) WriteGGUF(w io.Writer, o WriteOptions) error {
	if err := n.check(); err != nil {
		return err
	}
	var g gguf.Writer
	g.Set("general.architecture", rnn.Architecture)
	for _, kv := range [][2]string{{"general.name", o.Name}, {"general.description", o.Description}, {"general.license", o.License}} {
		if kv[1] != "" {
			g.Set(kv[0], kv[1])
		}
	}
	g.Set("llmz.cell", n.Cell)
	g.Set("llmz.layers", uint32(n.Layers))
	g.Set("llmz.hidden", uint32(n.Hidden))
	g.Set("llmz.embed", uint32(n.Embed))
	g.Set("llmz.numerics", uint32(rnn.Numerics))
	for _, s := range specs(n.Config) {
		t := n.Tensors[s.name]
		switch {
		case s.rows == 0:
			g.AddFloat32s(s.name, []int{s.cols}, t.Data)
		case !o.Quantise:
			g.AddFloat32s(s.name, []int{s.cols, s.rows}, t.Data)
		default:
			q, scale, err := ggml.QuantizeRows(t.Data, s.rows, s.cols)
			if err != nil {
				return weightsError("tensor %q: %w", s.name, err)
			}
			g.AddInt8s(s.name, []int{s.cols, s.rows}, q)
			g.AddFloat32s(s.name+".scale", []int{s.rows}, scale)
		}
	}
	_, err := g.WriteTo(w)
	return err
}
