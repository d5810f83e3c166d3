// Package start reads from a model file what the lanes of a language model begin with, and
// whether its windows do.
package start

import "github.com/llmz/llmz/ggml/gguf"

// KeyWindow is the metadata key of models that have never seen a window without the start
// symbol in front. What they learn to do with it, their attention rests there when it has
// nothing to look for (Xiao et al., "Efficient streaming language models with attention
// sinks", 2023), they cannot do without it.
const KeyWindow = "llmz.window.start"

// A Symbol is the start symbol of a model.
type Symbol struct {
	Token int32 // what a lane begins with
	// Window says that so does each window: where one is full, the symbol and the last tokens
	// are evaluated anew.
	Window bool
}

// Read returns the start symbol of a vocabulary of that many tokens; ok is false if it has none.
func Read(f *gguf.File, vocabulary int) (s Symbol, ok bool) {
	for _, key := range []string{"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"} {
		if id, err := gguf.Integer(f, key); err == nil && id < vocabulary {
			s.Token, ok = int32(id), true
			break
		}
	}
	if v, err := gguf.Get[bool](f, KeyWindow); err == nil {
		s.Window = v && ok
	}
	return s, ok
}
