package transformer

import (
	"errors"
	"fmt"
	"math"

	"github.com/llmz/llmz/ggml/gguf"
)

// ErrUnsupported means that a file's architecture, or a setting of it, is not one
// that the bundled graph runs. llama.cpp may run it.
var ErrUnsupported = errors.New("not an architecture that runs on the bundled graph")

// ErrModel means that a file says that it is of a known architecture, but its
// metadata or tensors are not those of one.
var ErrModel = errors.New("not a usable language model")

// Config holds a model's hyper-parameters.
type Config struct {
	Arch    string // general.architecture: gpt2, llama, qwen2
	Layers  int
	Embed   int // elements of the residual stream
	Heads   int
	KVHeads int // heads of keys and values; each serves Heads/KVHeads heads of queries
	HeadDim int
	FFN     int // elements of the feed-forward network
	Vocab   int
	Context int     // positions the model was trained with
	Epsilon float32 // of the norms

	Family
	RopeBase float64 // base of the rotations' frequencies
	RopeDim  int     // elements of a head that are rotated
}

// Family is what the architectures differ in.
type Family struct {
	// Learned positions are added to the embeddings; without, queries and keys are
	// rotated (RoPE), by pairs of elements half a head apart if Halves, of
	// neighbours if not.
	Learned, Halves bool
	// RMS says that norms do not subtract the mean, and have no bias.
	RMS bool
	// Fused says that the matrices of queries, keys and values are one tensor.
	Fused bool
	// Gated says that the feed-forward network is SwiGLU, not GELU.
	Gated bool
}

var families = map[string]Family{
	"gpt2":  {Learned: true, Fused: true},
	"llama": {RMS: true, Gated: true},
	"qwen2": {RMS: true, Gated: true, Halves: true},
}

// minContext is the shortest window that keeps a token and has room for another.
const minContext = 2

// Bounds of hyper-parameters, far beyond what the supported models have.
const (
	maxLayers  = 256
	maxEmbed   = 1 << 14
	maxFFN     = 1 << 16
	maxHeads   = 256
	maxHeadDim = 256
	maxVocab   = 1 << 22
	maxContext = 1 << 24
)

// ReadConfig reads the hyper-parameters of a model file and checks them. Errors wrap
// ErrUnsupported or ErrModel.
func ReadConfig(f *gguf.File) (c Config, err error) {
	if c.Arch, err = gguf.Get[string](f, "general.architecture"); err != nil {
		return c, fmt.Errorf("%w: %w", ErrModel, err)
	}
	var known bool
	if c.Family, known = families[c.Arch]; !known {
		return c, fmt.Errorf("%w: architecture %q", ErrUnsupported, c.Arch)
	}
	for _, key := range []string{"rope.scaling.type", "attention.key_length", "attention.value_length", "expert_count",
		"attention.sliding_window", "rope.scaling.factor", "logit_scale", "embedding_scale", "residual_scale", "attention.scale"} {
		if v, ok := f.Value(c.Arch + "." + key); ok && !neutral(key, v) {
			return c, fmt.Errorf("%w: %s.%s %v", ErrUnsupported, c.Arch, key, v)
		}
	}
	for _, e := range []struct {
		key string
		v   *int
		max int
	}{
		{"block_count", &c.Layers, maxLayers},
		{"embedding_length", &c.Embed, maxEmbed},
		{"attention.head_count", &c.Heads, maxHeads},
		{"feed_forward_length", &c.FFN, maxFFN},
		{"context_length", &c.Context, maxContext},
	} {
		n, ok := integer(f, c.Arch+"."+e.key)
		if !ok || n < 1 || n > e.max {
			return c, fmt.Errorf("%w: %s.%s is missing or not in 1 to %d", ErrModel, c.Arch, e.key, e.max)
		}
		*e.v = n
	}
	if c.Context < minContext {
		return c, fmt.Errorf("%w: a context of %d tokens, fewer than %d", ErrModel, c.Context, minContext)
	}
	c.KVHeads = c.Heads
	if n, ok := integer(f, c.Arch+".attention.head_count_kv"); ok {
		c.KVHeads = n
	}
	if c.KVHeads < 1 || c.Heads%c.KVHeads != 0 || c.Embed%c.Heads != 0 {
		return c, fmt.Errorf("%w: %d heads, %d of keys, of %d elements", ErrModel, c.Heads, c.KVHeads, c.Embed)
	}
	c.HeadDim = c.Embed / c.Heads
	if c.Embed%16 != 0 || c.HeadDim > maxHeadDim || c.HeadDim%2 != 0 {
		return c, fmt.Errorf("%w: %d elements in %d heads", ErrUnsupported, c.Embed, c.Heads)
	}
	if c.Fused && c.KVHeads != c.Heads {
		return c, fmt.Errorf("%w: grouped heads in %s", ErrUnsupported, c.Arch)
	}
	if err := c.readFloats(f); err != nil {
		return c, err
	}
	t, err := f.Tensor("token_embd.weight")
	if err != nil || len(t.Shape) != 2 || t.Shape[0] != c.Embed || t.Shape[1] < 2 || t.Shape[1] > maxVocab {
		return c, fmt.Errorf("%w: token_embd.weight is missing or not of %d columns", ErrModel, c.Embed)
	}
	c.Vocab = t.Shape[1]
	return c, nil
}

func (c *Config) readFloats(f *gguf.File) error {
	key := c.Arch + ".attention.layer_norm_epsilon"
	if c.RMS {
		key = c.Arch + ".attention.layer_norm_rms_epsilon"
	}
	eps, err := gguf.Get[float32](f, key)
	if err != nil || !(eps >= 1e-12 && eps <= 1e-1) {
		return fmt.Errorf("%w: %s is missing or not in 1e-12 to 0.1", ErrModel, key)
	}
	c.Epsilon = eps
	if c.Learned {
		return nil
	}
	c.RopeBase, c.RopeDim = 10000, c.HeadDim
	if v, ok := f.Value(c.Arch + ".rope.freq_base"); ok {
		b, _ := v.(float32)
		if !(b >= 1 && b <= 1e9) {
			return fmt.Errorf("%w: %s.rope.freq_base %v", ErrModel, c.Arch, v)
		}
		c.RopeBase = float64(b)
	}
	if n, ok := integer(f, c.Arch+".rope.dimension_count"); ok {
		if n < 2 || n > c.HeadDim || n%2 != 0 {
			return fmt.Errorf("%w: %s.rope.dimension_count %d of heads of %d", ErrModel, c.Arch, n, c.HeadDim)
		}
		c.RopeDim = n
	}
	if _, err := f.Tensor("rope_freqs.weight"); err == nil {
		return fmt.Errorf("%w: scaled rotations (rope_freqs)", ErrUnsupported)
	}
	return nil
}

// neutral reports whether a setting that is not supported changes nothing.
func neutral(key string, v any) bool {
	switch v := v.(type) {
	case string:
		return key == "rope.scaling.type" && (v == "none" || v == "")
	case uint32:
		return v == 0 && key != "attention.key_length" && key != "attention.value_length"
	case float32:
		return v == 1 || v == 0
	}
	return false
}

// integer reads a non-negative metadata value of any integer type.
func integer(f *gguf.File, key string) (int, bool) {
	switch v, _ := f.Value(key); v := v.(type) {
	case uint32:
		return int(min(v, math.MaxInt32)), true
	case int32:
		return int(v), v >= 0
	case uint64:
		return int(min(v, math.MaxInt32)), true
	}
	return 0, false
}

// Parameters returns the number of weights, a tied output matrix counted once.
func (c *Config) Parameters(tied bool) int64 {
	e, kv, f := int64(c.Embed), int64(c.KVHeads*c.HeadDim), int64(c.FFN)
	layer := 2*e*e + 2*e*kv + 2*e*f + 2*e
	n := int64(c.Vocab)*e + e
	if c.Gated {
		layer += e * f
	}
	if !tied {
		n += int64(c.Vocab) * e
	}
	return n + int64(c.Layers)*layer
}
