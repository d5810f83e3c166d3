package transformer

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/llmz/llmz/ggml/gguf"
)

// Check returns an error that wraps ErrUnsupported if a file asks for anything that the
// graph does not compute. What is not known here is taken for something that matters:
// architectures are given new settings and tensors all the time, and a model that is run
// without them predicts badly without saying so.
func (c *Config) Check(f *gguf.File) error {
	for _, kv := range f.KV {
		key, ok := strings.CutPrefix(kv.Key, c.Arch+".")
		if ok && !c.neutral(key, kv.Value) {
			return fmt.Errorf("%w: %s is %.40s", ErrUnsupported, kv.Key, fmt.Sprint(kv.Value))
		}
	}
	for i := range f.Tensors {
		if name := f.Tensors[i].Name; !c.takes(name) {
			return fmt.Errorf("%w: tensor %s", ErrUnsupported, name)
		}
	}
	return nil
}

// knownSettings are those that ReadConfig reads, and those that only tell about a model.
var knownSettings = []string{
	"block_count", "embedding_length", "attention.head_count", "attention.head_count_kv", "feed_forward_length", "context_length",
	"rope.freq_base", "rope.dimension_count",
	"vocab_size", "rope.scaling.original_context_length", "rope.scaling.finetuned",
}

// neutral reports whether a setting is known, or changes nothing.
func (c *Config) neutral(key string, v any) bool {
	size := func(n int) bool { return fmt.Sprint(v) == fmt.Sprint(n) }
	number, float := asFloat(v)
	switch key {
	case c.epsilonKey():
		return true
	case "attention.key_length", "attention.value_length":
		return size(c.HeadDim)
	case "attention.causal":
		return v == true
	case "attention.scale":
		return number == 0 || math.Abs(number*math.Sqrt(float64(c.HeadDim))-1) < 1e-6
	case "attention.sliding_window":
		return size(0) || c.reaches(v)
	case "rope.scaling.type":
		return v == "none" || v == ""
	case "tensor_data_layout":
		return v == "reference" || v == "Meta AI original pth"
	}
	switch {
	case slices.Contains(knownSettings, key):
		return true
	case float:
		factor := strings.HasSuffix(key, "scale") || strings.HasSuffix(key, "factor")
		return number == 0 || factor && number == 1
	}
	return size(0) || v == false || v == ""
}

// reaches reports whether attention to that many positions is attention to all that a
// new archive's window has.
func (c *Config) reaches(v any) bool {
	n, ok := v.(uint32)
	return ok && int64(n) >= int64(defaults(c).ctx)
}

func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// takes reports whether a tensor is one that the network is made of.
func (c *Config) takes(name string) bool {
	if rest, ok := strings.CutPrefix(name, "blk."); ok {
		number, part, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err != nil || strconv.Itoa(n) != number || n < 0 || n >= c.Layers {
			return false
		}
		if part == "attn_rot_embd.weight" {
			return true // what follows from rope.freq_base, in older files
		}
		part, kind, _ := strings.Cut(part, ".")
		return (kind == "weight" || kind == "bias") && slices.Contains(c.layerTensors(), part)
	}
	switch name {
	case "position_embd.weight":
		return c.Learned
	case "token_embd.weight", "output_norm.weight", "output_norm.bias", "output.weight", "output.bias":
		return true
	}
	return false
}

func (c *Config) layerTensors() []string {
	all := []string{"attn_norm", "attn_output", "ffn_norm", "ffn_up", "ffn_down"}
	if c.Gated {
		all = append(all, "ffn_gate")
	}
	if c.Fused {
		return append(all, "attn_qkv")
	}
	return append(all, "attn_q", "attn_k", "attn_v")
}
