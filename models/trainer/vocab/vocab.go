// Package vocab learns byte-level vocabularies by pair merging: every byte is a token,
// and the pair of tokens that is next to each other most often within the words of a
// text becomes a token, over and over.
//
// Words are GPT-2's, so that llama.cpp and engine/lm/bpe cut text in the same way. The
// result is determined by the text.
package vocab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/llmz/llmz/engine/lm/bpe"
	"github.com/llmz/llmz/ggml/gguf"
)

// Bounds of a vocabulary: the start symbol and the bytes, and what fits 16 bits.
const (
	Least = 257
	Most  = 1 << 16
)

// Start is the name of the start symbol, which is the first token of what this package
// learns.
const Start = "<|endoftext|>"

// ErrVocabulary means that a vocabulary cannot be learned or used.
var ErrVocabulary = errors.New("unusable vocabulary")

// A Vocabulary is what a GGUF file says of tokens. The fields have the form that they
// have there.
type Vocabulary struct {
	Tokens []string `json:"tokens"`
	Types  []int32  `json:"types"`
	Merges []string `json:"merges"`
	Start  int32    `json:"start"` // the start symbol, read before the first token
	Pre    string   `json:"pre"`   // how text is cut into words, llama.cpp's name for it
}

// Token types of GGUF.
const (
	typeNormal  = 1
	typeControl = 3
)

// Set describes the vocabulary in a model file.
func (v *Vocabulary) Set(w *gguf.Writer) {
	w.Set("tokenizer.ggml.model", "gpt2")
	w.Set("tokenizer.ggml.pre", v.Pre)
	w.Set("tokenizer.ggml.tokens", v.Tokens)
	w.Set("tokenizer.ggml.token_type", v.Types)
	w.Set("tokenizer.ggml.merges", v.Merges)
	w.Set("tokenizer.ggml.bos_token_id", uint32(v.Start))
	w.Set("tokenizer.ggml.eos_token_id", uint32(v.Start))
	w.Set("tokenizer.ggml.add_bos_token", false)
}

// Read reads the vocabulary of a model file.
func Read(f *gguf.File) (*Vocabulary, error) {
	fail := func(err error) (*Vocabulary, error) { return nil, fmt.Errorf("%w: %w", ErrVocabulary, err) }
	model, err := gguf.Get[string](f, "tokenizer.ggml.model")
	if err != nil {
		return fail(err)
	}
	if model != "gpt2" {
		return fail(fmt.Errorf("tokenizer %q: only byte-level pair merging (gpt2) can be trained with", model))
	}
	v := &Vocabulary{Start: -1}
	if v.Tokens, err = gguf.Get[[]string](f, "tokenizer.ggml.tokens"); err != nil {
		return fail(err)
	}
	if v.Merges, err = gguf.Get[[]string](f, "tokenizer.ggml.merges"); err != nil {
		return fail(err)
	}
	v.Types, _ = gguf.Get[[]int32](f, "tokenizer.ggml.token_type")
	if v.Pre, _ = gguf.Get[string](f, "tokenizer.ggml.pre"); v.Pre == "" {
		v.Pre = "gpt-2"
	}
	for _, key := range []string{"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"} {
		if id, err := gguf.Get[uint32](f, key); err == nil && v.Start < 0 {
			v.Start = int32(id)
		}
	}
	return v, v.Check()
}

// Check reports what is wrong with v, if anything.
func (v *Vocabulary) Check() error {
	switch {
	case len(v.Tokens) < Least || len(v.Tokens) > Most<<2:
		return fmt.Errorf("%w: %d tokens", ErrVocabulary, len(v.Tokens))
	case v.Types != nil && len(v.Types) != len(v.Tokens):
		return fmt.Errorf("%w: %d types for %d tokens", ErrVocabulary, len(v.Types), len(v.Tokens))
	case v.Start < 0 || int(v.Start) >= len(v.Tokens):
		return fmt.Errorf("%w: no start symbol", ErrVocabulary)
	}
	return nil
}

// Tokenizer returns the tokenizer of the vocabulary, the one that compression uses.
func (v *Vocabulary) Tokenizer() (*bpe.Tokenizer, error) {
	var w gguf.Writer
	v.Set(&w)
	var b strings.Builder
	if _, err := w.WriteTo(&b); err != nil {
		return nil, err
	}
	f, err := gguf.Read(strings.NewReader(b.String()), int64(b.Len()))
	if err != nil {
		return nil, err
	}
	return bpe.New(f)
}
