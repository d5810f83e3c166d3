package trainer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/llmz/llmz/engine/lm/start"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models/trainer/vocab"
)

// ErrModel means that a file is not a transformer that can be trained further.
var ErrModel = errors.New("not a transformer that can be trained")

// family is what model files call the architecture.
func (s Shape) family() string {
	if s.Arch == GPT {
		return "llama"
	}
	return "gpt2"
}

// WriteOptions are the options of Save.
type WriteOptions struct {
	Float bool   // float32 matrices, to go on training with; else 8 bits with a scale for each 32
	Name  string // recorded where not empty
}

// writeTransformer writes a transformer as a GGUF file that llama.cpp loads, too.
func writeTransformer(dst io.Writer, s Shape, v *vocab.Vocabulary, weights []Weight, o WriteOptions) error {
	var w gguf.Writer
	f := s.family()
	w.Set("general.architecture", f)
	if o.Name != "" {
		w.Set("general.name", o.Name)
	}
	fileType := uint32(7)
	if o.Float {
		fileType = 0
	}
	w.Set("general.file_type", fileType)
	w.Set("general.quantization_version", uint32(2))
	w.Set(f+".block_count", uint32(s.Layers))
	w.Set(f+".context_length", uint32(s.Context))
	w.Set(f+".embedding_length", uint32(s.Hidden))
	w.Set(f+".feed_forward_length", uint32(s.Inner))
	w.Set(f+".attention.head_count", uint32(s.Heads))
	if s.Arch == GPT {
		w.Set(f+".attention.head_count_kv", uint32(s.KVHeads))
		w.Set(f+".attention.layer_norm_rms_epsilon", float32(normEpsilon))
		w.Set(f+".rope.dimension_count", uint32(s.head()))
		w.Set(f+".rope.freq_base", float32(ropeBase))
		w.Set(f+".vocab_size", uint32(s.Vocabulary))
	} else {
		w.Set(f+".attention.layer_norm_epsilon", float32(normEpsilon))
	}
	w.Set(start.KeyWindow, true)
	v.Set(&w)
	for _, t := range weights {
		if err := addTensor(&w, t, o.Float); err != nil {
			return err
		}
	}
	_, err := w.WriteTo(dst)
	return err
}

// addTensor adds a tensor in the type it has in a file.
func addTensor(w *gguf.Writer, t Weight, float bool) error {
	shape := slices.Clone(t.Shape)
	slices.Reverse(shape) // the fastest dimension first
	switch {
	case !rounded(t):
		w.AddFloat32s(t.Name, shape, t.Data)
	case float:
		w.AddFloat32s(t.Name, shape, t.Data)
	case shape[0]%ggml.QK8_0 != 0:
		b := make([]byte, 0, 2*len(t.Data))
		for _, x := range t.Data {
			b = binary.LittleEndian.AppendUint16(b, ggml.Float32To16(x))
		}
		w.AddTensor(t.Name, ggml.F16, shape, b)
	default:
		q, err := ggml.QuantizeQ8_0(t.Data)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		w.AddTensor(t.Name, ggml.Q8_0, shape, q)
	}
	return nil
}

// rounded reports whether a tensor may be stored in fewer bits than float32.
func rounded(t Weight) bool { return len(t.Shape) == 2 && !strings.HasPrefix(t.Name, "position_embd") }

// A Model is a transformer that a file holds, ready to be trained further.
type Model struct {
	Shape      Shape
	Vocabulary *vocab.Vocabulary
	Weights    map[string][]float32
}

// ReadModel reads a transformer of GPT-2's or Llama's architecture. Errors wrap ErrModel
// where it is of another kind.
func ReadModel(f *gguf.File) (*Model, error) {
	fail := func(format string, a ...any) (*Model, error) {
		return nil, fmt.Errorf("%w: %w", ErrModel, fmt.Errorf(format, a...))
	}
	family, err := gguf.Get[string](f, "general.architecture")
	if err != nil {
		return fail("%w", err)
	}
	m := &Model{Weights: map[string][]float32{}}
	switch family {
	case "llama":
		m.Shape.Arch = GPT
	case "gpt2":
		m.Shape.Arch = GPT2
	default:
		return fail("its architecture is %q; gpt2 and llama can be trained", family)
	}
	if m.Vocabulary, err = vocab.Read(f); err != nil {
		return fail("%w", err)
	}
	s := &m.Shape
	s.Vocabulary = len(m.Vocabulary.Tokens)
	for _, k := range []struct {
		key string
		dst *int
	}{{"block_count", &s.Layers}, {"context_length", &s.Context}, {"embedding_length", &s.Hidden},
		{"feed_forward_length", &s.Inner}, {"attention.head_count", &s.Heads}} {
		v, err := gguf.Get[uint32](f, family+"."+k.key)
		if err != nil {
			return fail("%w", err)
		}
		*k.dst = int(v)
	}
	s.KVHeads = s.Heads
	if v, err := gguf.Get[uint32](f, family+".attention.head_count_kv"); err == nil {
		s.KVHeads = int(v)
	}
	if err := s.checkConstants(f, family); err != nil {
		return fail("%w", err)
	}
	if err := s.Validate(); err != nil {
		return fail("%w", err)
	}
	for _, t := range s.tensors() {
		x, err := f.Tensor(t.name)
		if err != nil {
			return fail("%w", err)
		}
		if x.Elements() != t.size() || x.Shape[0] != t.cols {
			return fail("%s has the shape %v, not %dx%d", t.name, x.Shape, t.cols, t.rows)
		}
		if m.Weights[t.name], err = f.Float32s(x); err != nil {
			return fail("%w", err)
		}
		for i, v := range m.Weights[t.name] {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fail("%s: value %d is not finite", t.name, i)
			}
		}
	}
	if _, err := f.Tensor("output.weight"); err == nil {
		return fail("its output matrix is not its embedding")
	}
	return m, nil
}

// checkConstants refuses models whose constants are not those that training uses.
func (s Shape) checkConstants(f *gguf.File, family string) error {
	want := map[string]float32{"attention.layer_norm_epsilon": normEpsilon}
	if s.Arch == GPT {
		want = map[string]float32{"attention.layer_norm_rms_epsilon": normEpsilon, "rope.freq_base": ropeBase}
	}
	for key, w := range want {
		if v, err := gguf.Get[float32](f, family+"."+key); err == nil && math.Abs(float64(v/w-1)) > 1e-3 {
			return fmt.Errorf("%s is %g; only %g can be trained", key, v, w)
		}
	}
	if v, err := gguf.Get[uint32](f, family+".rope.dimension_count"); err == nil && s.Heads > 0 && int(v) != s.Hidden/s.Heads {
		return fmt.Errorf("positions turn %d of the %d units of a head; only all of them can be trained", v, s.Hidden/s.Heads)
	}
	return nil
}
