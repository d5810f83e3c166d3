// Package gpt2 turns Hugging Face folders with models of GPT-2's architecture
// into GGUF files that llama.cpp loads. The same input gives the same bytes on
// every machine.
package gpt2

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models/convert/checkpoint"
)

// Options are the options of Convert.
type Options struct {
	// Type is the type of the matrices: ggml.F32, ggml.F16 or ggml.Q8_0. Norms,
	// biases and positions are always F32.
	Type ggml.Type
	// Name is recorded in the file; empty for the folder's.
	Name string
	// Progress, if not nil, is called after each tensor.
	Progress func(done, total int)
}

// config is what matters here of a Hugging Face config.json.
type config struct {
	ModelType   string   `json:"model_type"`
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
	BOS         *int     `json:"bos_token_id"`
	EOS         *int     `json:"eos_token_id"`
	TieEmbedded *bool    `json:"tie_word_embeddings"`
}

func readConfig(dir string) (*config, error) {
	var c config
	err := checkpoint.ReadJSON(filepath.Join(dir, "config.json"), &c)
	if errors.Is(err, os.ErrNotExist) {
		return nil, formatf("%s has no config.json", dir)
	}
	if err != nil {
		return nil, err
	}
	if c.Positions == 0 {
		c.Positions = c.Ctx
	}
	switch {
	case c.ModelType != "gpt2":
		return nil, formatf("config.json is of model type %q; only gpt2 can be converted here", c.ModelType)
	case c.Activation != "" && c.Activation != "gelu_new" && c.Activation != "gelu_pytorch_tanh":
		return nil, formatf("activation %q", c.Activation)
	case c.ScaleByIdx || c.ScaleAttn != nil && !*c.ScaleAttn:
		return nil, formatf("attention that is not scaled as GPT-2 does")
	}
	if c.Vocab > maxVocab {
		return nil, formatf("config.json has a vocabulary of %d tokens", c.Vocab)
	}
	for _, n := range []int{c.Layers, c.Heads, c.Embd, c.Positions, c.Vocab} {
		if n < 1 || n > 1<<24 {
			return nil, formatf("config.json has a size of %d", n)
		}
	}
	if c.Embd%c.Heads != 0 {
		return nil, formatf("%d dimensions in %d heads", c.Embd, c.Heads)
	}
	return &c, nil
}

// layerTensors maps the names within a layer to GGUF's. Matrices are stored
// [in, out] in the checkpoint and are transposed.
var layerTensors = []struct {
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

// Convert converts a Hugging Face folder with a model of GPT-2's architecture
// (config.json; model.safetensors or pytorch_model.bin, whole or in shards; the
// vocabulary) and writes a GGUF file that llama.cpp loads. Errors wrap ErrFormat where the
// folder is at fault.
func Convert(ctx context.Context, dst io.Writer, dir string, o Options) error {
	if o.Type != ggml.F32 && o.Type != ggml.F16 && o.Type != ggml.Q8_0 {
		return fmt.Errorf("convert to %v: only F32, F16 and Q8_0", o.Type)
	}
	cfg, err := readConfig(dir)
	if err != nil {
		return err
	}
	vocab, err := readVocab(dir, cfg.Vocab)
	if err != nil {
		return err
	}
	ck, err := checkpoint.OpenFolder(dir)
	if err != nil {
		return err
	}
	defer ck.Close()

	g := &writer{ctx: ctx, ck: ck, cfg: cfg, o: o}
	if _, ok := ck.Tensors["transformer.wte.weight"]; ok {
		g.prefix = "transformer."
	}
	if g.o.Name == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		g.o.Name = filepath.Base(abs)
	}
	if err := g.addTensors(); err != nil {
		return err
	}
	g.addMetadata(vocab)
	_, err = g.w.WriteTo(dst)
	return err
}

// ErrFormat means that an input file is damaged or not of a kind that can be
// converted.
var ErrFormat = checkpoint.ErrFormat

func formatf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

type writer struct {
	ctx         context.Context
	w           gguf.Writer
	ck          *checkpoint.Checkpoint
	cfg         *config
	o           Options
	prefix      string
	done, total int
}

func (g *writer) addMetadata(v *bpeVocab) {
	c, w := g.cfg, &g.w
	inner := 4 * c.Embd
	if c.Inner != nil {
		inner = *c.Inner
	}
	epsilon := float32(1e-5)
	if c.Epsilon != nil {
		epsilon = *c.Epsilon
	}
	fileType := map[ggml.Type]uint32{ggml.F32: 0, ggml.F16: 1, ggml.Q8_0: 7}[g.o.Type]
	w.Set("general.architecture", "gpt2")
	w.Set("general.name", g.o.Name)
	w.Set("general.file_type", fileType)
	w.Set("general.quantization_version", uint32(2))
	w.Set("gpt2.block_count", uint32(c.Layers))
	w.Set("gpt2.context_length", uint32(c.Positions))
	w.Set("gpt2.embedding_length", uint32(c.Embd))
	w.Set("gpt2.feed_forward_length", uint32(inner))
	w.Set("gpt2.attention.head_count", uint32(c.Heads))
	w.Set("gpt2.attention.layer_norm_epsilon", epsilon)
	w.Set("tokenizer.ggml.model", "gpt2")
	w.Set("tokenizer.ggml.pre", "gpt-2")
	w.Set("tokenizer.ggml.tokens", v.tokens)
	w.Set("tokenizer.ggml.token_type", v.types)
	w.Set("tokenizer.ggml.merges", v.merges)
	id := func(p *int) (uint32, bool) {
		switch {
		case p != nil && *p >= 0 && *p < c.Vocab:
			return uint32(*p), true
		case v.eot >= 0:
			return uint32(v.eot), true
		}
		return 0, false
	}
	if n, ok := id(c.BOS); ok {
		w.Set("tokenizer.ggml.bos_token_id", n)
	}
	if n, ok := id(c.EOS); ok {
		w.Set("tokenizer.ggml.eos_token_id", n)
	}
}

func (g *writer) addTensors() error {
	g.total = 4 + len(layerTensors)*g.cfg.Layers
	if err := g.add("wte.weight", "token_embd.weight", g.o.Type, false, g.cfg.Vocab, g.cfg.Embd); err != nil {
		return err
	}
	if err := g.add("wpe.weight", "position_embd.weight", ggml.F32, false, g.cfg.Positions, g.cfg.Embd); err != nil {
		return err
	}
	for l := range g.cfg.Layers {
		for _, t := range layerTensors {
			typ := ggml.F32
			if t.matrix {
				typ = g.o.Type
			}
			if err := g.add(fmt.Sprintf("h.%d.%s", l, t.from), fmt.Sprintf("blk.%d.%s", l, t.to), typ, t.matrix); err != nil {
				return err
			}
		}
	}
	if err := g.add("ln_f.weight", "output_norm.weight", ggml.F32, false, g.cfg.Embd); err != nil {
		return err
	}
	if err := g.add("ln_f.bias", "output_norm.bias", ggml.F32, false, g.cfg.Embd); err != nil {
		return err
	}
	return g.addHead()
}

// addHead adds the output matrix where it is not the embedding.
func (g *writer) addHead() error {
	head, ok := g.ck.Tensors["lm_head.weight"]
	if !ok || g.cfg.TieEmbedded != nil && *g.cfg.TieEmbedded {
		return nil
	}
	if wte := g.ck.Tensors[g.prefix+"wte.weight"]; head.Same(wte) {
		return nil
	} else if same, err := g.equal(head, wte); err != nil || same {
		return err
	}
	g.total++
	prefix := g.prefix
	g.prefix = ""
	defer func() { g.prefix = prefix }()
	return g.add("lm_head.weight", "output.weight", g.o.Type, false, g.cfg.Vocab, g.cfg.Embd)
}

// add declares a tensor. Its data is read when the file is written, so that one
// tensor at a time is in memory. Shape, if given, is what it must be.
func (g *writer) add(from, to string, typ ggml.Type, transpose bool, shape ...int) error {
	name := g.prefix + from
	t, ok := g.ck.Tensors[name]
	if !ok {
		return formatf("there is no tensor %q", name)
	}
	if len(shape) > 0 && !slices.Equal(shape, t.Shape) {
		return formatf("%s is %v, config.json says %v", name, t.Shape, shape)
	}
	if len(t.Shape) < 1 || len(t.Shape) > 2 || transpose && len(t.Shape) != 2 || t.Elements() == 0 {
		return formatf("%s has shape %v", name, t.Shape)
	}
	if transpose {
		t = t.Transposed()
	}
	ne := slices.Clone(t.Shape)
	slices.Reverse(ne) // ggml counts the fastest dimension first
	if typ == ggml.Q8_0 && ne[0]%ggml.QK8_0 != 0 {
		typ = ggml.F16 // rows that do not divide into blocks
	}
	g.w.AddTensorFunc(to, typ, ne, func(w io.Writer) error {
		err := g.rows(t, func(v []float32) error { return writeFloats(w, typ, v) })
		if err != nil {
			if g.ctx.Err() == nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			return err
		}
		g.done++
		if g.o.Progress != nil {
			g.o.Progress(g.done, g.total)
		}
		return nil
	})
	return nil
}

// atOnce is about the number of elements that are in memory at a time.
const atOnce = 4 << 20

// rows hands on the rows of a matrix, or the elements of a vector, some at a time.
func (g *writer) rows(t *checkpoint.Tensor, use func([]float32) error) error {
	n, cols := t.Shape[0], 1
	if len(t.Shape) == 2 {
		cols = t.Shape[1]
	}
	step := max(1, atOnce/cols)
	buf := make([]float32, min(step, n)*cols)
	for first := 0; first < n; first += step {
		if err := g.ctx.Err(); err != nil {
			return err
		}
		v := buf[:min(step, n-first)*cols]
		if err := t.Read(v, first); err != nil {
			return err
		}
		if err := use(v); err != nil {
			return err
		}
	}
	return nil
}

// equal reports whether two matrices hold the same.
func (g *writer) equal(a, b *checkpoint.Tensor) (bool, error) {
	if !slices.Equal(a.Shape, b.Shape) || len(a.Shape) != 2 {
		return false, nil
	}
	same, at := true, 0
	var other []float32
	err := g.rows(a, func(v []float32) error {
		if !same {
			return nil
		}
		other = slices.Grow(other[:0], len(v))[:len(v)]
		if err := b.Read(other, at); err != nil {
			return err
		}
		at += len(v) / a.Shape[1]
		same = slices.Equal(v, other)
		return nil
	})
	return same, err
}

// writeFloats writes v in the encoding of typ. Values that are not finite are
// refused, and those that typ cannot hold: a model with one predicts nothing.
func writeFloats(w io.Writer, typ ggml.Type, v []float32) error {
	limit := map[ggml.Type]float32{ggml.F32: math.MaxFloat32, ggml.F16: maxFloat16, ggml.Q8_0: 127 * maxFloat16}[typ]
	for _, x := range v {
		switch {
		case math.IsNaN(float64(x)) || math.IsInf(float64(x), 0):
			return formatf("it holds %v", x)
		case x > limit || x < -limit:
			return formatf("it holds %v, which is beyond what type %v can hold: --type f32", x, typ)
		}
	}
	var b []byte
	switch typ {
	case ggml.F32:
		b = make([]byte, 4*len(v))
		for i, x := range v {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
		}
	case ggml.F16:
		b = make([]byte, 2*len(v))
		for i, x := range v {
			binary.LittleEndian.PutUint16(b[2*i:], ggml.Float32To16(x))
		}
	case ggml.Q8_0:
		var err error
		if b, err = ggml.QuantizeQ8_0(v); err != nil {
			return err
		}
	default:
		return fmt.Errorf("convert to %v", typ)
	}
	_, err := w.Write(b)
	return err
}

// maxFloat16 is the largest finite float16.
const maxFloat16 = 65504

// ParseType reads the name of a type that Convert can write: f32, f16 or q8_0.
func ParseType(s string) (ggml.Type, error) {
	switch strings.ToLower(s) {
	case "f32":
		return ggml.F32, nil
	case "f16":
		return ggml.F16, nil
	case "q8_0":
		return ggml.Q8_0, nil
	}
	return 0, fmt.Errorf("unknown type %q: f32, f16 or q8_0", s)
}
