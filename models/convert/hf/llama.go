package hf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// llamaConfig is what matters here of the config.json of Llama's family.
type llamaConfig struct {
	Activation  string   `json:"hidden_act"`
	Layers      int      `json:"num_hidden_layers"`
	Heads       int      `json:"num_attention_heads"`
	KVHeads     *int     `json:"num_key_value_heads"`
	HeadDim     *int     `json:"head_dim"`
	Embd        int      `json:"hidden_size"`
	Inner       int      `json:"intermediate_size"`
	Positions   int      `json:"max_position_embeddings"`
	Vocab       int      `json:"vocab_size"`
	Epsilon     float32  `json:"rms_norm_eps"`
	BOS         *tokenID `json:"bos_token_id"`
	EOS         *tokenID `json:"eos_token_id"`
	TieEmbedded bool     `json:"tie_word_embeddings"`

	RopeTheta   *float32 `json:"rope_theta"`
	RopeScaling *rope    `json:"rope_scaling"`
	Rope        *rope    `json:"rope_parameters"` // both of the above in newer files
	Partial     *float32 `json:"partial_rotary_factor"`

	AttentionBias bool            `json:"attention_bias"`
	MLPBias       bool            `json:"mlp_bias"`
	Window        *int            `json:"sliding_window"`
	UseWindow     *bool           `json:"use_sliding_window"`
	WindowFrom    *int            `json:"max_window_layers"`
	LayerTypes    []string        `json:"layer_types"`
	Quantization  json.RawMessage `json:"quantization_config"`
}

// rope says how positions are rotated.
type rope struct {
	Theta   *float32 `json:"rope_theta"`
	Type    string   `json:"rope_type"`
	OldType string   `json:"type"`
	Partial *float32 `json:"partial_rotary_factor"`
}

// windowed reports whether a layer attends to the last positions only.
func (c *llamaConfig) windowed(arch string) bool {
	if slices.ContainsFunc(c.LayerTypes, func(t string) bool { return t != "full_attention" }) {
		return true
	}
	if c.Window == nil || c.LayerTypes != nil {
		return false
	}
	if c.UseWindow == nil {
		return arch != "qwen2"
	}
	return *c.UseWindow && (c.WindowFrom == nil || *c.WindowFrom < c.Layers)
}

func (c *llamaConfig) check(arch string) error {
	if c.KVHeads == nil {
		c.KVHeads = &c.Heads
	}
	switch {
	case c.Activation != "" && c.Activation != "silu" && c.Activation != "swish":
		return formatf("activation %q (hidden_act); only silu", c.Activation)
	case c.AttentionBias && arch == "llama":
		return formatf("biases of attention (attention_bias)")
	case c.MLPBias:
		return formatf("biases of the feed-forward network (mlp_bias)")
	case c.windowed(arch):
		return formatf("attention to a part of the text (sliding_window)")
	case len(c.Quantization) > 0 && string(c.Quantization) != "null":
		return formatf("weights that are quantised already (quantization_config)")
	}
	if err := checkSizes(c.Vocab, c.Layers, c.Heads, *c.KVHeads, c.Embd, c.Inner, c.Positions); err != nil {
		return err
	}
	if c.Embd%c.Heads != 0 || c.Embd/c.Heads%2 != 0 || c.Heads%*c.KVHeads != 0 {
		return formatf("%d dimensions in %d heads, %d of keys", c.Embd, c.Heads, *c.KVHeads)
	}
	if c.HeadDim != nil && *c.HeadDim != c.Embd/c.Heads {
		return formatf("heads of %d dimensions (head_dim), not of %d", *c.HeadDim, c.Embd/c.Heads)
	}
	if !(c.Epsilon > 0 && c.Epsilon <= 0.1) {
		return formatf("rms_norm_eps of %v", c.Epsilon)
	}
	return c.checkRope()
}

func (c *llamaConfig) checkRope() error {
	partial := []*float32{c.Partial}
	for _, r := range []*rope{c.RopeScaling, c.Rope} {
		if r == nil {
			continue
		}
		if t := cmp.Or(r.Type, r.OldType, "default"); t != "default" {
			return formatf("scaled rotations of type %q (rope_scaling)", t)
		}
		partial = append(partial, r.Partial)
		if r.Theta != nil {
			c.RopeTheta = r.Theta
		}
	}
	for _, p := range partial {
		if p != nil && *p != 1 {
			return formatf("rotations of a part of the heads (partial_rotary_factor)")
		}
	}
	if c.RopeTheta == nil {
		c.RopeTheta = new(float32)
		*c.RopeTheta = 10000
	}
	if !(*c.RopeTheta >= 1) {
		return formatf("rope_theta of %v", *c.RopeTheta)
	}
	return nil
}

// planLlama plans for llama, and for qwen2, which has biases of queries, keys and
// values and rotates halves of heads in GGUF, too.
func planLlama(dir string, typ ggml.Type, arch string) (*plan, error) {
	c := llamaConfig{Epsilon: 1e-6}
	if arch == "llama" { // what a config.json of it leaves out
		bos, eos := tokenID(1), tokenID(2)
		c.BOS, c.EOS = &bos, &eos
	}
	if err := readConfig(dir, &c); err != nil {
		return nil, err
	}
	if err := c.check(arch); err != nil {
		return nil, err
	}
	p := &plan{
		arch: arch, prefix: "model.", embed: "embed_tokens.weight", vocab: c.Vocab, embd: c.Embd,
		bos: c.BOS, eos: c.EOS, readVocab: readTokenizer, tied: c.TieEmbedded,
		// tables of older files that follow from rope_theta
		ignored: func(name string) bool { return strings.HasSuffix(name, ".rotary_emb.inv_freq") },
	}
	p.add(tensor{from: p.embed, to: "token_embd.weight", typ: typ, shape: []int{c.Vocab, c.Embd}})
	for l := range c.Layers {
		c.addLayer(p, typ, fmt.Sprintf("layers.%d.", l), fmt.Sprintf("blk.%d.", l))
	}
	p.add(tensor{from: "norm.weight", to: "output_norm.weight", shape: []int{c.Embd}})
	p.metadata = func(w *gguf.Writer) {
		w.Set(arch+".block_count", uint32(c.Layers))
		w.Set(arch+".context_length", uint32(c.Positions))
		w.Set(arch+".embedding_length", uint32(c.Embd))
		w.Set(arch+".feed_forward_length", uint32(c.Inner))
		w.Set(arch+".attention.head_count", uint32(c.Heads))
		w.Set(arch+".attention.head_count_kv", uint32(*c.KVHeads))
		w.Set(arch+".attention.layer_norm_rms_epsilon", c.Epsilon)
		w.Set(arch+".rope.dimension_count", uint32(c.Embd/c.Heads))
		w.Set(arch+".rope.freq_base", *c.RopeTheta)
	}
	return p, nil
}

func (c *llamaConfig) addLayer(p *plan, typ ggml.Type, from, to string) {
	head := c.Embd / c.Heads
	kv := *c.KVHeads * head
	for _, t := range []struct {
		from, to string
		shape    []int
		rotated  bool
	}{
		{"input_layernorm", "attn_norm", []int{c.Embd}, false},
		{"self_attn.q_proj", "attn_q", []int{c.Embd, c.Embd}, true},
		{"self_attn.k_proj", "attn_k", []int{kv, c.Embd}, true},
		{"self_attn.v_proj", "attn_v", []int{kv, c.Embd}, false},
		{"self_attn.o_proj", "attn_output", []int{c.Embd, c.Embd}, false},
		{"post_attention_layernorm", "ffn_norm", []int{c.Embd}, false},
		{"mlp.gate_proj", "ffn_gate", []int{c.Inner, c.Embd}, false},
		{"mlp.up_proj", "ffn_up", []int{c.Inner, c.Embd}, false},
		{"mlp.down_proj", "ffn_down", []int{c.Embd, c.Inner}, false},
	} {
		x := tensor{from: from + t.from + ".weight", to: to + t.to + ".weight", shape: t.shape}
		if len(t.shape) == 2 {
			x.typ = typ
		}
		if t.rotated && p.arch == "llama" {
			x.head = head
		}
		p.add(x)
		if p.arch == "qwen2" && (t.rotated || t.to == "attn_v") {
			p.add(tensor{from: from + t.from + ".bias", to: to + t.to + ".bias", shape: t.shape[:1]})
		}
	}
}

// pairs puts the rows of heads of size rows from halves, whose elements are rotated
// together half a head apart, to neighbouring pairs.
func pairs(v []float32, cols, size int) []float32 {
	out := make([]float32, 0, len(v))
	for head := 0; head < len(v); head += size * cols {
		for i := range size / 2 {
			for j := range 2 {
				at := head + (j*size/2+i)*cols
				out = append(out, v[at:at+cols]...)
			}
		}
	}
	return out
}
