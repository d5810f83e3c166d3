package trainer

import (
	"fmt"
	"math"

	"github.com/llmz/llmz/ggml/parallel"
	"github.com/llmz/llmz/ggml/sgemm"
)

// Shape is the architecture of a model.
type Shape struct {
	Arch   string `json:"arch"` // GRU, LSTM, GPT or GPT2
	Layers int    `json:"layers"`
	Hidden int    `json:"hidden"` // units of a layer; of a transformer, the width of what passes between layers
	Embed  int    `json:"embed,omitempty"`

	// Transformers only.
	Heads      int `json:"heads,omitempty"`
	KVHeads    int `json:"kv_heads,omitempty"` // heads of keys and values, which divide Heads
	Inner      int `json:"inner,omitempty"`    // width of the feed-forward layers
	Vocabulary int `json:"vocabulary,omitempty"`
	Context    int `json:"context,omitempty"` // tokens of a sequence
}

// String describes s in words.
func (s Shape) String() string {
	t := fmt.Sprintf("%s of %d layers of %d", s.Arch, s.Layers, s.Hidden)
	if !s.Transformer() {
		return t + fmt.Sprintf(", embedding %d", s.Embed)
	}
	return t + fmt.Sprintf(", %d heads (%d of keys), %d in feed-forward, %d tokens, context %d", s.Heads, s.KVHeads, s.Inner, s.Vocabulary, s.Context)
}

// The architectures. The recurrent ones predict bytes, the transformers tokens.
const (
	GRU  = "gru"
	LSTM = "lstm"
	GPT  = "gpt"  // Llama's: RMS norm, rotary positions, SwiGLU, no biases
	GPT2 = "gpt2" // GPT-2's: layer norm, learned positions, GELU, biases
)

// Transformer reports whether s is a transformer's.
func (s Shape) Transformer() bool { return s.Arch == GPT || s.Arch == GPT2 }

// Validate reports what is wrong with s, if anything.
func (s Shape) Validate() error {
	switch {
	case s.Transformer():
		return s.validateTransformer()
	case s.Arch != GRU && s.Arch != LSTM:
		return fmt.Errorf("unknown architecture %q: use lstm, gru or gpt", s.Arch)
	}
	return s.validateRecurrent()
}

// Parameters returns the number of weights.
func (s Shape) Parameters() int64 {
	n := 0
	for _, p := range s.tensors() {
		n += p.rows * p.cols
	}
	return int64(n)
}

// tensors lists the tensors in the order of the parameter vector.
func (s Shape) tensors() []tensor {
	var list []tensor
	if s.Transformer() {
		list = s.transformerTensors()
	} else {
		list = s.recurrentTensors()
	}
	offset := 0
	for i := range list {
		list[i].offset = offset
		offset += (list[i].size() + 7) &^ 7
	}
	return list
}

// tensor is a named part of the parameter vector. A vector has one row.
type tensor struct {
	name       string
	rows, cols int
	offset     int  // in the parameter vector, a multiple of 8
	vector     bool // a bias or the weight of a norm: it does not decay
	// parts is the number of maps, one below the other, that Muon steps; 0 leaves the
	// tensor to AdamW.
	parts int
}

func (t tensor) size() int { return t.rows * t.cols }

func (t tensor) in(data []float32) []float32 {
	return data[t.offset : t.offset+t.size() : t.offset+t.size()]
}

func (t tensor) matrix(data []float32) sgemm.Matrix {
	return sgemm.Dense(t.in(data), t.rows, t.cols)
}

// params is the parameter vector of a model, or its gradient.
type params struct {
	shape Shape
	list  []tensor
	data  []float32
}

func newParams(s Shape) *params {
	p := &params{shape: s, list: s.tensors()}
	last := p.list[len(p.list)-1]
	p.data = make([]float32, (last.offset+last.size()+7)&^7)
	return p
}

// init draws the weights that a training starts from.
func (p *params) init(seed uint64) {
	if p.shape.Transformer() {
		initTransformer(p, seed)
	} else {
		initRecurrent(p, seed)
	}
}

// set copies weights by name.
func (p *params) set(weights map[string][]float32) error {
	for _, t := range p.list {
		w, ok := weights[t.name]
		if !ok {
			return fmt.Errorf("initial weights: no tensor %s", t.name)
		}
		if len(w) != t.size() {
			return fmt.Errorf("initial weights: %s has %d values, not %dx%d", t.name, len(w), t.rows, t.cols)
		}
		copy(t.in(p.data), w)
	}
	return nil
}

// weights returns copies of the tensors of data, which has p's layout.
func (p *params) weights(data []float32) []Weight {
	var list []Weight
	for _, t := range p.list {
		w := Weight{Name: t.name, Shape: []int{t.rows, t.cols}, Data: append([]float32(nil), t.in(data)...)}
		if t.vector {
			w.Shape = []int{t.cols}
		}
		list = append(list, w)
	}
	return list
}

// block is how many parameters one task of norm and of the optimiser handles.
const block = 1 << 16

// gradientNorm returns the Euclidean norm of a vector whose length is a multiple of 8.
func gradientNorm(data []float32, threads int) float64 {
	norms := make([]float64, (len(data)+block-1)/block)
	parallel.For(threads, len(norms), func(b int) {
		var s0, s1 float64
		part := data[b*block : min(len(data), (b+1)*block)]
		for i := 0; i < len(part); i += 2 {
			x, y := float64(part[i]), float64(part[i+1])
			s0 += x * x
			s1 += y * y
		}
		norms[b] = s0 + s1
	})
	sum := 0.0
	for _, s := range norms {
		sum += s
	}
	return math.Sqrt(sum)
}
