package lm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/llmz/llmz/engine/lm/start"
	"github.com/llmz/llmz/ggml/gguf"
)

// A shape is what the memory and the window depend on, from a model file's
// metadata.
type shape struct {
	arch       string
	layers     int
	embd       int
	heads      int
	kvHeads    int
	keyLen     int
	valueLen   int
	ctx        int          // positions the model was trained with
	start      start.Symbol // its token is -1 where there is none
	weights    int64        // bytes
	parameters int64
}

// ErrModel means that a file is not a causal language model that can be used.
var ErrModel = errors.New("not a usable language model")

// maxContext bounds the window: longer ones cost memory and time and win little.
const maxContext = 1 << 16

// readShape checks the metadata of a language model.
func readShape(f *gguf.File) (s shape, err error) {
	if s.arch, err = gguf.Get[string](f, "general.architecture"); err != nil {
		return s, fmt.Errorf("%w: %w", ErrModel, err)
	}
	get := func(key string, fallback int) int {
		n, err := gguf.Integers(f, s.arch+"."+key)
		if err != nil {
			return fallback
		}
		return slices.Max(n) // of one per layer the largest
	}
	s.layers, s.embd = get("block_count", 0), get("embedding_length", 0)
	s.heads = get("attention.head_count", 0)
	s.ctx = get("context_length", 0)
	for _, n := range []int{s.layers, s.embd, s.heads, s.ctx} {
		if n < 1 || n > 1<<24 {
			return s, fmt.Errorf("%w: its metadata (%s) lacks layers, dimensions, heads or context length", ErrModel, s.arch)
		}
	}
	s.kvHeads = get("attention.head_count_kv", s.heads)
	s.keyLen = get("attention.key_length", s.embd/s.heads)
	s.valueLen = get("attention.value_length", s.embd/s.heads)
	var ok bool
	if s.start, ok = start.Read(f, 1<<24); !ok {
		s.start.Token = -1
	}
	for i := range f.Tensors {
		s.weights += f.Tensors[i].Size
		s.parameters += int64(f.Tensors[i].Elements())
	}
	return s, nil
}

// window returns the default context length. Learned positions end with the
// training's; longer windows than 2,048 cost more memory than they win.
func (s shape) window() int { return min(s.ctx, 2048) }

// kvBytes returns the size of one lane's KV cache of n positions, in float16.
func (s shape) kvBytes(n int) int64 {
	n = (n + 255) &^ 255 // llama.cpp rounds up
	return int64(n) * int64(s.layers) * int64(s.kvHeads) * int64(s.keyLen+s.valueLen) * 2
}
