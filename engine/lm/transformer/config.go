package transformer

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// ErrUnsupported means that a file's architecture, or a setting of it, is not one
// that the bundled graph runs. llama.cpp may run it.
var ErrUnsupported = errors.New("llmz itself cannot run this model")

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
// ErrUnsupported or ErrModel. Whether the file asks for more than they say, see Check.
func ReadConfig(f *gguf.File) (c Config, err error) {
	if c.Arch, err = gguf.Get[string](f, "general.architecture"); err != nil {
		return c, fmt.Errorf("%w: %w", ErrModel, err)
	}
	var known bool
	if c.Family, known = families[c.Arch]; !known {
		return c, fmt.Errorf("%w: architecture %q", ErrUnsupported, c.Arch)
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
		n, err := c.integer(f, e.key)
		if err != nil {
			return c, err
		}
		switch {
		case n < 1:
			return c, fmt.Errorf("%w: %s.%s is %d", ErrModel, c.Arch, e.key, n)
		case n > e.max:
			return c, fmt.Errorf("%w: %s.%s is %d, at most %d", ErrUnsupported, c.Arch, e.key, n, e.max)
		}
		*e.v = n
	}
	if c.Context < minContext {
		return c, fmt.Errorf("%w: a context of %d tokens, fewer than %d", ErrModel, c.Context, minContext)
	}
	c.KVHeads = c.Heads
	if c.has(f, "attention.head_count_kv") {
		if c.KVHeads, err = c.integer(f, "attention.head_count_kv"); err != nil {
			return c, err
		}
	}
	if c.KVHeads < 1 || c.Heads%c.KVHeads != 0 {
		return c, fmt.Errorf("%w: %d heads that share %d of keys", ErrModel, c.Heads, c.KVHeads)
	}
	c.HeadDim = c.Embed / c.Heads
	if c.Embed%c.Heads != 0 || c.Embed%16 != 0 || c.HeadDim > maxHeadDim || c.HeadDim%2 != 0 {
		return c, fmt.Errorf("%w: %d elements in %d heads", ErrUnsupported, c.Embed, c.Heads)
	}
	if c.Fused && c.KVHeads != c.Heads || c.Heads/c.KVHeads > ggml.MaxGroup {
		return c, fmt.Errorf("%w: %d heads that share %d of keys in %s", ErrUnsupported, c.Heads, c.KVHeads, c.Arch)
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
	key := c.Arch + "." + c.epsilonKey()
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
	if c.has(f, "rope.dimension_count") {
		n, err := c.integer(f, "rope.dimension_count")
		if err != nil {
			return err
		}
		if n < 2 || n > c.HeadDim || n%2 != 0 {
			return fmt.Errorf("%w: %s.rope.dimension_count %d of heads of %d", ErrModel, c.Arch, n, c.HeadDim)
		}
		c.RopeDim = n
	}
	return nil
}

func (c *Config) epsilonKey() string {
	if c.RMS {
		return "attention.layer_norm_rms_epsilon"
	}
	return "attention.layer_norm_epsilon"
}

func (c *Config) has(f *gguf.File, key string) bool {
	_, ok := f.Value(c.Arch + "." + key)
	return ok
}

// integer reads a count of the architecture's. The graph's layers are all alike: numbers
// that differ between them are not for it.
func (c *Config) integer(f *gguf.File, key string) (int, error) {
	all, err := gguf.Integers(f, c.Arch+"."+key)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrModel, err)
	}
	for _, n := range all {
		if n != all[0] {
			return 0, fmt.Errorf("%w: %s.%s differs between layers", ErrUnsupported, c.Arch, key)
		}
	}
	return all[0], nil
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
