package lm

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/gguf"
)

// llama.cpp ends the process where a model breaks a rule that it takes for granted, so that
// files from anywhere are checked before it sees them. Files that its own tools write keep
// these rules.

// Limits of models.
const (
	maxLayers = 512 // of llama.cpp
	maxHeads  = 1 << 12
	maxEmbd   = 1 << 17

	maxExperts = 512 // of llama.cpp
)

// ropeScalings are the ways of scaling positions that llama.cpp knows.
var ropeScalings = []string{"none", "linear", "yarn", "longrope"}

// checkModel refuses what llama.cpp would not survive.
func checkModel(f *gguf.File, s *shape) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrModel, fmt.Sprintf(format, args...))
	}
	switch {
	case s.layers > maxLayers:
		return bad("%d layers, at most %d are possible", s.layers, maxLayers)
	case s.heads > maxHeads || s.embd > maxEmbd:
		return bad("%d heads of %d dimensions", s.heads, s.embd)
	case s.kvHeads < 1 || s.heads%s.kvHeads != 0:
		return bad("%d heads share %d keys and values", s.heads, s.kvHeads)
	case s.keyLen < 1 || s.keyLen > maxEmbd || s.valueLen < 1 || s.valueLen > maxEmbd:
		return bad("keys of %d and values of %d dimensions", s.keyLen, s.valueLen)
	}
	for _, kv := range f.KV {
		if err := checkValue(s.arch, kv); err != nil {
			return bad("%s: %v", kv.Key, err)
		}
	}
	count := func(key string, fallback int64) int64 {
		if _, ok := f.Value(s.arch + "." + key); !ok {
			return fallback
		}
		n, err := gguf.Integer(f, s.arch+"."+key)
		if err != nil {
			return -1
		}
		return int64(n)
	}
	experts, used := count("expert_count", 0), count("expert_used_count", 0)
	if experts > maxExperts || used > experts || (used > 0) != (experts > 0) {
		return bad("%d of %d experts at work", used, experts)
	}
	if n := count("nextn_predict_layers", 0); n > int64(s.layers) {
		return bad("%d of %d layers predict further tokens", n, s.layers)
	}
	if v, ok := f.Value(s.arch + ".rope.scaling.type"); ok {
		if t, ok := v.(string); !ok || !slices.Contains(ropeScalings, t) {
			return bad("positions are scaled by %q", v)
		}
	}
	// The graphs of these architectures have one length for all.
	each := int64(s.embd / s.heads)
	switch {
	case s.embd%s.heads != 0 && s.arch == "gpt2", s.arch == "gpt2" && (int64(s.keyLen) != each || int64(s.valueLen) != each):
		return bad("%d dimensions in %d heads of %d and %d", s.embd, s.heads, s.keyLen, s.valueLen)
	case s.arch == "llama" && (s.keyLen != s.valueLen || count("rope.dimension_count", int64(s.keyLen)) != int64(s.keyLen)):
		return bad("heads of %d and %d dimensions, %d of them turned", s.keyLen, s.valueLen, count("rope.dimension_count", int64(s.keyLen)))
	}
	if err := checkTokens(f, s.start.Token); err != nil {
		return bad("%v", err)
	}
	return checkTensors(f, s)
}

// checkValue checks the architecture's numbers.
func checkValue(arch string, kv gguf.KV) error {
	if !strings.HasPrefix(kv.Key, arch+".") {
		return nil
	}
	name := kv.Key[len(arch)+1:]
	floats := func(v float64) error {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return fmt.Errorf("%v is no number to compute with", v)
		case strings.HasSuffix(name, "epsilon") && (v < 0 || v > 1):
			return fmt.Errorf("%v is not between 0 and 1", v)
		case (name == "rope.freq_base" || name == "rope.scaling.factor") && v <= 0:
			return fmt.Errorf("%v is not above 0", v)
		}
		return nil
	}
	switch v := kv.Value.(type) {
	case float32:
		return floats(float64(v))
	case float64:
		return floats(v)
	case []float32:
		for _, x := range v {
			if err := floats(float64(x)); err != nil {
				return err
			}
		}
	case int32:
		if v < 0 {
			return fmt.Errorf("%d is negative", v)
		}
	case []int32:
		for _, x := range v {
			if x < 0 {
				return fmt.Errorf("%d is negative", x)
			}
		}
	case bool:
		if name == "attention.causal" && !v {
			return fmt.Errorf("it sees what comes after a token, too")
		}
	}
	return nil
}

// checkTokens refuses vocabularies that name a token twice, and a first token that is not
// there.
func checkTokens(f *gguf.File, bos int32) error {
	tokens, err := gguf.Get[[]string](f, "tokenizer.ggml.tokens")
	if err != nil {
		return err
	}
	seen := make(map[string]int, len(tokens))
	for i, t := range tokens {
		if j, ok := seen[t]; ok {
			return fmt.Errorf("tokens %d and %d are both %.40q", j, i, t)
		}
		if t == "" {
			continue // llama.cpp gives each a name
		}
		if strings.ContainsRune(t, 0) {
			return fmt.Errorf("token %d holds a NUL", i)
		}
		seen[t] = i
	}
	if scores, err := gguf.Get[[]float32](f, "tokenizer.ggml.scores"); err == nil {
		for i, v := range scores {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("the score of token %d is %v", i, v)
			}
		}
	}
	if int(bos) >= len(tokens) {
		return fmt.Errorf("texts begin with token %d, of %d", bos, len(tokens))
	}
	return nil
}

// checkTensors checks the types and shapes that llama.cpp computes with unseen.
func checkTensors(f *gguf.File, s *shape) error {
	bad := func(t *gguf.Tensor, format string, args ...any) error {
		return fmt.Errorf("%w: tensor %q: %s", ErrModel, t.Name, fmt.Sprintf(format, args...))
	}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		switch t.Type {
		case ggml.F32, ggml.F16, ggml.BF16, ggml.Q8_0:
		default:
			return bad(t, "weights of %v", t.Type)
		}
		vector := len(t.Shape) == 1
		if (vector || strings.HasSuffix(t.Name, ".bias") || strings.HasSuffix(t.Name, "norm.weight")) && t.Type != ggml.F32 {
			return bad(t, "is of %v, where F32 is needed", t.Type)
		}
		if layer := -1; strings.HasPrefix(t.Name, "blk.") {
			if _, err := fmt.Sscanf(t.Name, "blk.%d.", &layer); err != nil || layer < 0 || layer >= s.layers {
				return bad(t, "there are %d layers", s.layers)
			}
		}
	}
	tokens, err := gguf.Get[[]string](f, "tokenizer.ggml.tokens")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	for _, name := range []string{"token_embd.weight", "output.weight"} {
		t, err := f.Tensor(name)
		if err != nil {
			continue // llama.cpp says so, or takes the other one
		}
		if len(t.Shape) != 2 || t.Shape[0] != s.embd || t.Shape[1] != len(tokens) {
			return bad(t, "is of %v, where %d × %d is needed", t.Shape, s.embd, len(tokens))
		}
	}
	return nil
}
