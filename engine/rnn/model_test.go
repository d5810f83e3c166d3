package rnn

import (
	"fmt"
	"testing"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

// rng is a deterministic source of test weights and symbols.
type rng uint64

func (r *rng) next() uint32 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return uint32(*r >> 33)
}

// float returns a value in [-scale, scale), the same on every machine.
func (r *rng) float(scale float32) float32 {
	return float32(int32(r.next()>>7)-1<<23) * (1.0 / (1 << 23)) * scale
}

// randomModel returns a model file with random weights, as float32 or quantised.
func randomModel(t testing.TB, c Config, seed uint64, quantised bool) []byte {
	t.Helper()
	r := rng(seed)
	var w gguf.Writer
	setConfig(&w, c)
	matrix := func(name string, rows, cols int, scale float32) {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = r.float(scale)
		}
		if !quantised {
			w.AddFloat32s(name, []int{cols, rows}, v)
			return
		}
		q, s, err := ggml.QuantizeRows(v, rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		w.AddInt8s(name, []int{cols, rows}, q)
		w.AddFloat32s(name+".scale", []int{rows}, s)
	}
	vector := func(name string, n int) {
		v := make([]float32, n)
		for i := range v {
			v[i] = r.float(0.3)
		}
		w.AddFloat32s(name, []int{n}, v)
	}
	matrix("embedding.weight", Vocabulary, c.Embed, 1)
	rows := c.Gates() * c.Hidden
	for l := range c.Layers {
		cols := c.Hidden
		if l == 0 {
			cols = c.Embed
		}
		matrix(fmt.Sprintf("%s.weight_ih_l%d", c.Cell, l), rows, cols, 0.4)
		matrix(fmt.Sprintf("%s.weight_hh_l%d", c.Cell, l), rows, c.Hidden, 0.2)
		vector(fmt.Sprintf("%s.bias_ih_l%d", c.Cell, l), rows)
		vector(fmt.Sprintf("%s.bias_hh_l%d", c.Cell, l), rows)
	}
	matrix("fc.weight", Alphabet, c.Hidden, 0.5)
	vector("fc.bias", Alphabet)
	return gguftest.Bytes(t, &w)
}

func setConfig(w *gguf.Writer, c Config) {
	w.Set("general.architecture", Architecture)
	w.Set("llmz.cell", c.Cell)
	w.Set("llmz.layers", uint32(c.Layers))
	w.Set("llmz.hidden", uint32(c.Hidden))
	w.Set("llmz.embed", uint32(c.Embed))
	w.Set("llmz.numerics", uint32(Numerics))
}
