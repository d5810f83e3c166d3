package hf

import (
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// gpt2Config is what matters here of the config.json of GPT-2's family.
type gpt2Config struct {
	Activation  string   `json:"activation_function"`
	Layers      int      `json:"n_layer"`
	Heads       int      `json:"n_head"`
	Embd        int      `json:"n_embd"`
	Inner       *int     `json:"n_inner"`
	Ctx         int      `json:"n_ctx"`
	Positions   int      `json:"n_positions"`
	Vocab       int      `json:"vocab_size"`
	Epsilon     *float32 `json:"layer_norm_epsilon"`
	ScaleByIdx  bool     `json:"scale_attn_by_inverse_layer_idx"`
	ScaleAttn   *bool    `json:"scale_attn_weights"`
	BOS         *tokenID `json:"bos_token_id"`
	EOS         *tokenID `json:"eos_token_id"`
	TieEmbedded *bool    `json:"tie_word_embeddings"`
}

func (c *gpt2Config) check() error {
	if c.Positions == 0 {
		c.Positions = c.Ctx
	}
	switch {
	case c.Activation != "" && c.Activation != "gelu_new" && c.Activation != "gelu_pytorch_tanh":
		return formatf("activation %q", c.Activation)
	case c.ScaleByIdx || c.ScaleAttn != nil && !*c.ScaleAttn:
		return formatf("attention that is not scaled as GPT-2 does")
	}
	if err := checkSizes(c.Vocab, c.Layers, c.Heads, c.Embd, c.Positions); err != nil {
		return err
	}
	if c.Embd%c.Heads != 0 {
		return formatf("%d dimensions in %d heads", c.Embd, c.Heads)
	}
	return nil
}

// gpt2Tensors maps the names within a layer to GGUF's. Matrices are stored
// [in, out] in the checkpoint and are transposed.
var gpt2Tensors = []struct {
	from, to string
	matrix   bool
}{
	{"ln_1.weight", "attn_norm.weight", false},
	{"ln_1.bias", "attn_norm.bias", false},
	{"attn.c_attn.weight", "attn_qkv.weight", true},
	{"attn.c_attn.bias", "attn_qkv.bias", false},
	{"attn.c_proj.weight", "attn_output.weight", true},
	{"attn.c_proj.bias", "attn_output.bias", false},
	{"ln_2.weight", "ffn_norm.weight", false},
	{"ln_2.bias", "ffn_norm.bias", false},
	{"mlp.c_fc.weight", "ffn_up.weight", true},
	{"mlp.c_fc.bias", "ffn_up.bias", false},
	{"mlp.c_proj.weight", "ffn_down.weight", true},
	{"mlp.c_proj.bias", "ffn_down.bias", false},
}

func planGPT2(dir string, typ ggml.Type) (*plan, error) {
	var c gpt2Config
	if err := readConfig(dir, &c); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &plan{
		arch: "gpt2", prefix: "transformer.", embed: "wte.weight", vocab: c.Vocab, embd: c.Embd,
		bos: c.BOS, eos: c.EOS, readVocab: readVocab,
		tied: c.TieEmbedded != nil && *c.TieEmbedded, tiedIfSame: true,
	}
	p.add(tensor{from: p.embed, to: "token_embd.weight", typ: typ, shape: []int{c.Vocab, c.Embd}})
	p.add(tensor{from: "wpe.weight", to: "position_embd.weight", shape: []int{c.Positions, c.Embd}})
	for l := range c.Layers {
		for _, t := range gpt2Tensors {
			out := tensor{from: fmt.Sprintf("h.%d.%s", l, t.from), to: fmt.Sprintf("blk.%d.%s", l, t.to), transpose: t.matrix}
			if t.matrix {
				out.typ = typ
			}
			p.add(out)
		}
	}
	p.add(tensor{from: "ln_f.weight", to: "output_norm.weight", shape: []int{c.Embd}})
	p.add(tensor{from: "ln_f.bias", to: "output_norm.bias", shape: []int{c.Embd}})
	p.metadata = func(w *gguf.Writer) {
		inner := 4 * c.Embd
		if c.Inner != nil {
			inner = *c.Inner
		}
		epsilon := float32(1e-5)
		if c.Epsilon != nil {
			epsilon = *c.Epsilon
		}
		w.Set("gpt2.block_count", uint32(c.Layers))
		w.Set("gpt2.context_length", uint32(c.Positions))
		w.Set("gpt2.embedding_length", uint32(c.Embd))
		w.Set("gpt2.feed_forward_length", uint32(inner))
		w.Set("gpt2.attention.head_count", uint32(c.Heads))
		w.Set("gpt2.attention.layer_norm_epsilon", epsilon)
	}
	return p, nil
}
