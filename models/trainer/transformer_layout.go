package trainer

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/llmz/llmz/models/trainer/vocab"
)

// norms of transformers add this to the mean square.
const normEpsilon = 1e-5

// ropeBase is the base of the wave lengths of rotary positions.
const ropeBase = 10000

// head is the size of a head.
func (s Shape) head() int { return s.Hidden / s.Heads }

// qkv is the width of queries, keys and values together.
func (s Shape) qkv() int { return s.Hidden + 2*s.KVHeads*s.head() }

// up is the width of what the feed-forward layer computes before the activation.
func (s Shape) up() int {
	if s.Arch == GPT {
		return 2 * s.Inner
	}
	return s.Inner
}

// validateTransformer reports what is wrong with the shape of a transformer.
func (s Shape) validateTransformer() error {
	switch {
	case s.Layers < 1 || s.Layers > 128:
		return fmt.Errorf("%d layers: use 1 to 128", s.Layers)
	case s.Hidden < 8 || s.Hidden > 1<<14 || s.Hidden%8 != 0:
		return fmt.Errorf("hidden size %d: use a multiple of 8 up to %d", s.Hidden, 1<<14)
	case s.Heads < 1 || s.Hidden%s.Heads != 0 || s.head()%8 != 0:
		return fmt.Errorf("%d heads of a hidden size of %d: a head must have a multiple of 8 units", s.Heads, s.Hidden)
	case s.KVHeads < 1 || s.Heads%s.KVHeads != 0:
		return fmt.Errorf("%d heads of keys and values: must divide the %d heads", s.KVHeads, s.Heads)
	case s.Inner < 8 || s.Inner > 1<<16 || s.Inner%8 != 0:
		return fmt.Errorf("inner size %d: use a multiple of 8 up to %d", s.Inner, 1<<16)
	case s.Vocabulary < vocab.Least || s.Vocabulary > vocab.Most:
		return fmt.Errorf("vocabulary of %d tokens: use %d to %d", s.Vocabulary, vocab.Least, vocab.Most)
	case s.Context < 8 || s.Context > 1<<13 || s.Context%8 != 0:
		return fmt.Errorf("context of %d tokens: use a multiple of 8 up to %d", s.Context, 1<<13)
	}
	return nil
}

// transformerTensors lists the tensors with the names of GGUF. Those that read the same
// input follow each other, so that they can be multiplied as one.
func (s Shape) transformerTensors() []tensor {
	d, kv := s.Hidden, s.KVHeads*s.head()
	var list []tensor
	matrix := func(name string, rows, cols, parts int) {
		list = append(list, tensor{name: name + ".weight", rows: rows, cols: cols, parts: parts})
	}
	vector := func(name string, n int) { list = append(list, tensor{name: name, rows: 1, cols: n, vector: true}) }
	matrix("token_embd", s.Vocabulary, d, 0)
	if s.Arch == GPT2 {
		matrix("position_embd", s.Context, d, 0)
	}
	for l := range s.Layers {
		at := func(name string) string { return fmt.Sprintf("blk.%d.%s", l, name) }
		vector(at("attn_norm.weight"), d)
		if s.Arch == GPT2 {
			vector(at("attn_norm.bias"), d)
			matrix(at("attn_qkv"), 3*d, d, 3)
			vector(at("attn_qkv.bias"), 3*d)
			matrix(at("attn_output"), d, d, 1)
			vector(at("attn_output.bias"), d)
			vector(at("ffn_norm.weight"), d)
			vector(at("ffn_norm.bias"), d)
			matrix(at("ffn_up"), s.Inner, d, 1)
			vector(at("ffn_up.bias"), s.Inner)
			matrix(at("ffn_down"), d, s.Inner, 1)
			vector(at("ffn_down.bias"), d)
			continue
		}
		matrix(at("attn_q"), d, d, 1)
		matrix(at("attn_k"), kv, d, 1)
		matrix(at("attn_v"), kv, d, 1)
		matrix(at("attn_output"), d, d, 1)
		vector(at("ffn_norm.weight"), d)
		matrix(at("ffn_gate"), s.Inner, d, 1)
		matrix(at("ffn_up"), s.Inner, d, 1)
		matrix(at("ffn_down"), d, s.Inner, 1)
	}
	vector("output_norm.weight", d)
	if s.Arch == GPT2 {
		vector("output_norm.bias", d)
	}
	return list
}

// A blockView is a layer's tensors. What a family lacks has no elements.
type blockView struct {
	norm1, bias1   tensor
	qkv, qkvBias   tensor // rows: queries, keys, values
	out, outBias   tensor
	norm2, bias2   tensor
	up, upBias     tensor // rows: gate, then up; or up alone
	down, downBias tensor
}

// transformerView is where the parameters of a transformer are.
type transformerView struct {
	embed, position tensor
	blocks          []blockView
	norm, bias      tensor
}

func viewTransformer(p *params) *transformerView {
	byName := make(map[string]tensor, len(p.list))
	for _, t := range p.list {
		byName[t.name] = t
	}
	// stacked is the tensor made of those of adjacent names.
	stacked := func(rows int, name string) tensor {
		t := byName[name]
		t.rows = rows
		return t
	}
	s := p.shape
	v := &transformerView{embed: byName["token_embd.weight"], position: byName["position_embd.weight"],
		norm: byName["output_norm.weight"], bias: byName["output_norm.bias"]}
	for l := range s.Layers {
		get := func(name string) tensor { return byName[fmt.Sprintf("blk.%d.%s", l, name)] }
		b := blockView{norm1: get("attn_norm.weight"), bias1: get("attn_norm.bias"),
			out: get("attn_output.weight"), outBias: get("attn_output.bias"),
			norm2: get("ffn_norm.weight"), bias2: get("ffn_norm.bias"),
			down: get("ffn_down.weight"), downBias: get("ffn_down.bias")}
		if s.Arch == GPT2 {
			b.qkv, b.qkvBias = get("attn_qkv.weight"), get("attn_qkv.bias")
			b.up, b.upBias = get("ffn_up.weight"), get("ffn_up.bias")
		} else {
			b.qkv = stacked(s.qkv(), fmt.Sprintf("blk.%d.attn_q.weight", l))
			b.up = stacked(2*s.Inner, fmt.Sprintf("blk.%d.ffn_gate.weight", l))
		}
		v.blocks = append(v.blocks, b)
	}
	return v
}

// initTransformer draws the matrices from normal distributions: embeddings of a
// deviation of 0.02, maps so that they keep the size of what they read, and those that
// add to the residual less the more layers there are. Norms start at one.
func initTransformer(p *params, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x67707400))
	v := viewTransformer(p)
	fill := func(t tensor, deviation float64) {
		w := t.in(p.data)
		for i := range w {
			w[i] = float32(r.NormFloat64() * deviation)
		}
	}
	ones := func(t tensor) {
		w := t.in(p.data)
		for i := range w {
			w[i] = 1
		}
	}
	fill(v.embed, 0.02)
	fill(v.position, 0.01)
	residual := 0.4 / math.Sqrt(2*float64(p.shape.Layers))
	for _, b := range v.blocks {
		ones(b.norm1)
		ones(b.norm2)
		fill(b.qkv, 0.5/math.Sqrt(float64(b.qkv.cols)))
		fill(b.out, residual/math.Sqrt(float64(b.out.cols)))
		fill(b.up, 0.5/math.Sqrt(float64(b.up.cols)))
		fill(b.down, residual/math.Sqrt(float64(b.down.cols)))
	}
	ones(v.norm)
}
