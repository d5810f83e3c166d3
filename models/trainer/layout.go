package trainer

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/llmz/llmz/ggml/sgemm"
)

// Symbols of the models: 256 bytes and the start symbol, which is only ever an
// input.
const (
	inputSymbols  = 257
	outputSymbols = 256
	startSymbol   = 256
)

// Shape is the architecture of a byte-level recurrent model.
type Shape struct {
	Arch   string `json:"arch"` // "gru" or "lstm"
	Layers int    `json:"layers"`
	Hidden int    `json:"hidden"`
	Embed  int    `json:"embed"`
}

// gates is the number of gates of a cell.
func (s Shape) gates() int {
	if s.Arch == "lstm" {
		return 4
	}
	return 3
}

// Validate reports what is wrong with s, if anything.
func (s Shape) Validate() error {
	switch {
	case s.Arch != "gru" && s.Arch != "lstm":
		return fmt.Errorf("unknown architecture %q: use gru or lstm", s.Arch)
	case s.Layers < 1 || s.Layers > 16:
		return fmt.Errorf("%d layers: use 1 to 16", s.Layers)
	case s.Hidden < 1 || s.Hidden > 4096:
		return fmt.Errorf("hidden size %d: use 1 to 4096", s.Hidden)
	case s.Embed < 1 || s.Embed > 4096:
		return fmt.Errorf("embedding size %d: use 1 to 4096", s.Embed)
	}
	return nil
}

// Parameters returns the number of weights.
func (s Shape) Parameters() int64 {
	n := 0
	for _, p := range s.tensors() {
		n += p.rows * p.cols
	}
	return int64(n)
}

// tensor is a named part of the parameter vector. A bias has one row.
type tensor struct {
	name       string
	rows, cols int
	offset     int // in the parameter vector, a multiple of 8
	bias       bool
	recurrent  bool // a matrix inside a recurrent layer
}

func (t tensor) size() int { return t.rows * t.cols }

func (t tensor) in(data []float32) []float32 {
	return data[t.offset : t.offset+t.size() : t.offset+t.size()]
}

func (t tensor) matrix(data []float32) sgemm.Matrix {
	return sgemm.Dense(t.in(data), t.rows, t.cols)
}

// tensors lists the tensors in the order of the parameter vector, with the names
// PyTorch gives them.
func (s Shape) tensors() []tensor {
	g := s.gates() * s.Hidden
	list := []tensor{{name: "embedding.weight", rows: inputSymbols, cols: s.Embed}}
	in := s.Embed
	for l := range s.Layers {
		list = append(list,
			tensor{name: fmt.Sprintf("%s.weight_ih_l%d", s.Arch, l), rows: g, cols: in, recurrent: true},
			tensor{name: fmt.Sprintf("%s.weight_hh_l%d", s.Arch, l), rows: g, cols: s.Hidden, recurrent: true},
			tensor{name: fmt.Sprintf("%s.bias_ih_l%d", s.Arch, l), rows: 1, cols: g, bias: true},
			tensor{name: fmt.Sprintf("%s.bias_hh_l%d", s.Arch, l), rows: 1, cols: g, bias: true})
		in = s.Hidden
	}
	list = append(list,
		tensor{name: "fc.weight", rows: outputSymbols, cols: s.Hidden},
		tensor{name: "fc.bias", rows: 1, cols: outputSymbols, bias: true})
	offset := 0
	for i := range list {
		list[i].offset = offset
		offset += (list[i].size() + 7) &^ 7
	}
	return list
}

// params is the parameter vector of a model, or its gradient, with views.
type params struct {
	shape   Shape
	list    []tensor
	data    []float32
	layers  []layerTensors
	embed   tensor
	fc, fcb tensor
}

type layerTensors struct{ ih, hh, bih, bhh tensor }

func newParams(s Shape) *params {
	p := &params{shape: s, list: s.tensors()}
	last := p.list[len(p.list)-1]
	p.data = make([]float32, (last.offset+last.size()+7)&^7)
	p.embed = p.list[0]
	for l := range s.Layers {
		t := p.list[1+4*l:]
		p.layers = append(p.layers, layerTensors{t[0], t[1], t[2], t[3]})
	}
	p.fc, p.fcb = p.list[len(p.list)-2], last
	return p
}

// init draws the weights as PyTorch does: uniformly within 1/sqrt(hidden), the
// embedding from a normal distribution. An LSTM starts with its forget gates
// open.
func (p *params) init(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x696e6974))
	bound := 1 / math.Sqrt(float64(p.shape.Hidden))
	for _, t := range p.list {
		w := t.in(p.data)
		for i := range w {
			if t.name == p.embed.name {
				w[i] = float32(r.NormFloat64() * 0.5)
			} else {
				w[i] = float32((2*r.Float64() - 1) * bound)
			}
		}
	}
	if p.shape.Arch == "lstm" {
		h := p.shape.Hidden
		for _, l := range p.layers {
			b := l.bih.in(p.data)[h : 2*h]
			for i := range b {
				b[i] += 1
			}
		}
	}
}
