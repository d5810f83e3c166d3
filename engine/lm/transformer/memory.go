package transformer

import (
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/cpu"
	"github.com/llmz/llmz/ggml/gguf"
)

// DecodeMemory returns the bytes that decoding takes with the model of a file and an
// archive's settings, in sessions of that many lanes: weights, caches and what a step
// needs. Nothing is loaded but the metadata.
func DecodeMemory(f *gguf.File, runtime map[string]string, lanes int) (int64, error) {
	c, err := ReadConfig(f)
	if err != nil {
		return 0, err
	}
	m := &Model{config: c}
	if m.set, err = parseSettings(runtime, &c); err != nil {
		return 0, err
	}
	_, err = f.Tensor("output.weight")
	if m.network, err = shapes(&c, m.set.ctx, err != nil); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if !c.Learned {
		n := make([]float32, m.set.ctx*c.RopeDim/2)
		m.rotation = &ggml.Rotation{Dim: c.RopeDim, Halves: c.Halves, Cos: n, Sin: n}
	}
	if m.backend, err = cpu.New(""); err != nil {
		return 0, err
	}
	defer m.backend.Close()
	return m.MemoryBytes(max(lanes, 1)) + m.Preferences(lanes).LoadBytes, nil
}

// shapes returns a network of the right sizes, whose weights cannot be read.
func shapes(c *Config, positions int, tied bool) (*network, error) {
	var err error
	matrix := func(rows, cols int) *ggml.Matrix {
		m, e := ggml.MatrixOf(func([]int8, int) error { return ggml.ErrReleased }, make([]float32, rows), nil, rows, cols, 1)
		if e != nil {
			err = e
		}
		return m
	}
	norm := ggml.Norm{Gain: make([]float32, c.Embed), Bias: make([]float32, c.Embed), Epsilon: c.Epsilon, RMS: c.RMS}
	n := &network{norm: norm, out: matrix(c.Vocab, c.Embed), embedFactor: make([]float32, c.Embed), tied: tied}
	if n.embed = n.out; !tied {
		n.embed = matrix(c.Vocab, c.Embed)
	}
	kv := c.KVHeads * c.HeadDim
	for range c.Layers {
		y := layer{attn: norm, ffn: norm, factor: make([]float32, c.FFN)}
		y.q, y.o = matrix(c.Embed, c.Embed), matrix(c.Embed, c.Embed)
		y.k, y.v = matrix(kv, c.Embed), matrix(kv, c.Embed)
		y.up, y.down = matrix(c.FFN, c.Embed), matrix(c.Embed, c.FFN)
		if c.Gated {
			y.gate = matrix(c.FFN, c.Embed)
		}
		n.layers = append(n.layers, y)
	}
	if c.Learned && err == nil {
		n.positions, err = ggml.NewTable(make([]float32, positions*c.Embed), positions, c.Embed, 1)
	}
	return n, err
}
