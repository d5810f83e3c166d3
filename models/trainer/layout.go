package trainer

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Symbols of the models: 256 bytes and the start symbol, which is only ever an
// input.
const (
	inputSymbols  = 257
	outputSymbols = 256
	startSymbol   = 256
)

// gates is the number of gates of a cell.
func (s Shape) gates() int {
	if s.Arch == "lstm" {
		return 4
	}
	return 3
}

// validateRecurrent reports what is wrong with the shape of a recurrent network.
func (s Shape) validateRecurrent() error {
	switch {
	case s.Layers < 1 || s.Layers > 16:
		return fmt.Errorf("%d layers: use 1 to 16", s.Layers)
	case s.Hidden < 1 || s.Hidden > 4096:
		return fmt.Errorf("hidden size %d: use 1 to 4096", s.Hidden)
	case s.Embed < 1 || s.Embed > 4096:
		return fmt.Errorf("embedding size %d: use 1 to 4096", s.Embed)
	}
	return nil
}

// recurrentTensors lists the tensors with the names PyTorch gives them. The gates of a
// recurrent matrix are separate maps.
func (s Shape) recurrentTensors() []tensor {
	g := s.gates() * s.Hidden
	list := []tensor{{name: "embedding.weight", rows: inputSymbols, cols: s.Embed}}
	in := s.Embed
	for l := range s.Layers {
		list = append(list,
			tensor{name: fmt.Sprintf("%s.weight_ih_l%d", s.Arch, l), rows: g, cols: in, parts: s.gates()},
			tensor{name: fmt.Sprintf("%s.weight_hh_l%d", s.Arch, l), rows: g, cols: s.Hidden, parts: s.gates()},
			tensor{name: fmt.Sprintf("%s.bias_ih_l%d", s.Arch, l), rows: 1, cols: g, vector: true},
			tensor{name: fmt.Sprintf("%s.bias_hh_l%d", s.Arch, l), rows: 1, cols: g, vector: true})
		in = s.Hidden
	}
	return append(list,
		tensor{name: "fc.weight", rows: outputSymbols, cols: s.Hidden},
		tensor{name: "fc.bias", rows: 1, cols: outputSymbols, vector: true})
}

// recurrentParams is the parameter vector of a recurrent network with views of it.
type recurrentParams struct {
	*params
	layers  []layerTensors
	embed   tensor
	fc, fcb tensor
}

type layerTensors struct{ ih, hh, bih, bhh tensor }

func viewRecurrent(p *params) *recurrentParams {
	v := &recurrentParams{params: p, embed: p.list[0], fc: p.list[len(p.list)-2], fcb: p.list[len(p.list)-1]}
	for l := range p.shape.Layers {
		t := p.list[1+4*l:]
		v.layers = append(v.layers, layerTensors{t[0], t[1], t[2], t[3]})
	}
	return v
}

// initRecurrent draws the weights as PyTorch does: uniformly within 1/sqrt(hidden), the
// embedding from a normal distribution. An LSTM starts with its forget gates
// open.
func initRecurrent(params *params, seed uint64) {
	p := viewRecurrent(params)
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
