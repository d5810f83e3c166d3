// Package bpe cuts bytes into the tokens of a language model's vocabulary: the
// byte-level pair merging of GPT-2 and its successors, and the scored merging
// of SentencePiece vocabularies.
//
// Only the encoder tokenises; the decoder joins TokenBytes. So the tokens'
// bytes, joined, must be the input, always; which of the possible cuts is taken
// matters for the ratio alone. Any input works: bytes that are not valid UTF-8
// become single-byte tokens.
//
// Determinism class: integers and tables, except SentencePiece scores, which are
// only compared. A Tokenizer may be used by several goroutines.
package bpe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
)

// ErrVocabulary means that a model's vocabulary is missing, damaged or of a
// kind that is not supported.
var ErrVocabulary = errors.New("unusable vocabulary")

// A Tokenizer is a vocabulary with its rules.
type Tokenizer struct {
	rule  Rule
	bytes [][]byte
	// single maps a byte to its token, -1 where there is none.
	single [256]int32
	// chars maps characters to their tokens; SentencePiece vocabularies only, which
	// start from characters, not from bytes.
	chars map[string]int32
	merge map[uint64]pair

	mu    sync.Mutex
	cache map[string][]int32
}

// pair is what two tokens merge to; lower ranks go first.
type pair struct {
	rank int32
	id   int32
}

func key(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// Token types of GGUF's tokenizer.ggml.token_type.
const (
	typeNormal  = 1
	typeUnknown = 2
	typeControl = 3
	typeUnused  = 5
	typeByte    = 6
)

// New reads the vocabulary from a model file's metadata.
func New(f *gguf.File) (*Tokenizer, error) {
	tokens, err := gguf.Get[[]string](f, "tokenizer.ggml.tokens")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
	}
	model, err := gguf.Get[string](f, "tokenizer.ggml.model")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
	}
	types, _ := gguf.Get[[]int32](f, "tokenizer.ggml.token_type")
	if types != nil && len(types) != len(tokens) {
		return nil, fmt.Errorf("%w: %d types for %d tokens", ErrVocabulary, len(types), len(tokens))
	}
	if len(tokens) == 0 || len(tokens) > 1<<22 {
		return nil, fmt.Errorf("%w: %d tokens", ErrVocabulary, len(tokens))
	}
	switch model {
	case "gpt2":
		merges, err := gguf.Get[[]string](f, "tokenizer.ggml.merges")
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
		}
		pre, _ := gguf.Get[string](f, "tokenizer.ggml.pre")
		return newBytePairs(tokens, types, merges, ruleOf(pre))
	case "llama":
		scores, err := gguf.Get[[]float32](f, "tokenizer.ggml.scores")
		if err != nil || len(scores) != len(tokens) {
			return nil, fmt.Errorf("%w: no scores", ErrVocabulary)
		}
		return newScored(tokens, types, scores)
	}
	return nil, fmt.Errorf("%w: tokenizer %q; byte-level BPE (gpt2) and SentencePiece (llama) are supported", ErrVocabulary, model)
}

// ruleOf maps GGUF's tokenizer.ggml.pre to the nearest rule.
func ruleOf(pre string) Rule {
	switch pre {
	case "smollm", "starcoder", "codeshell", "refact", "command-r":
		return GPT2Digits
	case "qwen2", "qwen35", "deepseek-r1-qwen", "stablelm2", "megrez":
		return Modern
	case "llama3", "llama-v3", "llama-bpe", "falcon3", "smaug-bpe", "dbrx", "tekken", "gpt-4o", "pixtral":
		return Modern3
	}
	return GPT2
}

func empty(tokens []string) *Tokenizer {
	t := &Tokenizer{bytes: make([][]byte, len(tokens)), merge: make(map[uint64]pair), cache: make(map[string][]int32)}
	for i := range t.single {
		t.single[i] = -1
	}
	return t
}

func typeOf(types []int32, i int) int32 {
	if types == nil {
		return typeNormal
	}
	return types[i]
}

func newBytePairs(tokens []string, types []int32, merges []string, rule Rule) (*Tokenizer, error) {
	t := empty(tokens)
	t.rule = rule
	id := make(map[string]int32, len(tokens))
	for i, s := range tokens {
		switch typeOf(types, i) {
		case typeControl, typeUnknown, typeUnused:
			continue // no bytes: never made from text
		case typeNormal:
			id[s] = int32(i)
			t.bytes[i] = fromPrintable(s)
		default: // user-defined: plain text, which merging never makes
			t.bytes[i] = []byte(s)
			continue
		}
		if len(t.bytes[i]) == 1 {
			t.single[t.bytes[i][0]] = int32(i)
		}
	}
	for rank, m := range merges {
		a, b, ok := strings.Cut(m, " ")
		left, ok1 := id[a]
		right, ok2 := id[b]
		both, ok3 := id[a+b]
		if !ok || !ok1 || !ok2 || !ok3 {
			continue // leads to nothing in this vocabulary
		}
		if _, dup := t.merge[key(left, right)]; !dup {
			t.merge[key(left, right)] = pair{int32(rank), both}
		}
	}
	return t, nil
}

// Tokens returns the size of the vocabulary.
func (t *Tokenizer) Tokens() int { return len(t.bytes) }

// TokenBytes returns the bytes of a token, none for control tokens and for ids
// outside the vocabulary.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if id < 0 || int(id) >= len(t.bytes) {
		return nil
	}
	return t.bytes[id]
}

const (
	checkBytes = 64 << 10 // between two looks at the context
	cacheWords = 1 << 16
	cacheBytes = 32 // longest word that is remembered
)

// Tokenize cuts data into tokens whose bytes, joined, are data.
func (t *Tokenizer) Tokenize(ctx context.Context, data []byte) ([]int32, error) {
	out := make([]int32, 0, len(data)/3+16)
	var work []int32
	for at, next := 0, 0; at < len(data); {
		if at >= next {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			next = at + checkBytes
		}
		n := t.rule.word(data[at:])
		w := data[at : at+n]
		had := len(out)
		t.mu.Lock()
		ids, ok := t.cache[string(w)]
		t.mu.Unlock()
		if ok {
			out = append(out, ids...)
		} else {
			var err error
			if work, err = t.start(work[:0], w); err != nil {
				return nil, fmt.Errorf("at offset %d: %w", at, err)
			}
			work = t.mergeAll(work)
			out = append(out, work...)
			t.remember(w, work)
		}
		if !t.same(out[had:], w) {
			return nil, fmt.Errorf("at offset %d: %w: the tokens of %q do not give it back", at, predict.ErrNoToken, w)
		}
		at += n
	}
	return out, nil
}

func (t *Tokenizer) remember(w []byte, ids []int32) {
	if len(w) > cacheBytes {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.cache) >= cacheWords {
		clear(t.cache)
	}
	t.cache[string(w)] = append([]int32(nil), ids...)
}

func (t *Tokenizer) same(ids []int32, w []byte) bool {
	for _, id := range ids {
		b := t.TokenBytes(id)
		if len(b) > len(w) || string(b) != string(w[:len(b)]) {
			return false
		}
		w = w[len(b):]
	}
	return len(w) == 0
}

// start appends the tokens that merging starts from: characters where the
// vocabulary has them, else bytes.
func (t *Tokenizer) start(dst []int32, w []byte) ([]int32, error) {
	for i := 0; i < len(w); {
		if t.chars != nil {
			_, size := utf8.DecodeRune(w[i:])
			if id, ok := t.chars[string(w[i:i+size])]; ok {
				dst = append(dst, id)
				i += size
				continue
			}
			// a character without a token: its bytes
			for range size {
				if t.single[w[i]] < 0 {
					return nil, fmt.Errorf("%w: %#02x", predict.ErrNoToken, w[i])
				}
				dst = append(dst, t.single[w[i]])
				i++
			}
			continue
		}
		if t.single[w[i]] < 0 {
			return nil, fmt.Errorf("%w: %#02x", predict.ErrNoToken, w[i])
		}
		dst = append(dst, t.single[w[i]])
		i++
	}
	return dst, nil
}

// mergeAll merges the pair of lowest rank, leftmost first, until none is left.
// Words are short (maxWord), so that the quadratic search is cheap.
func (t *Tokenizer) mergeAll(ids []int32) []int32 {
	var ranks [maxWord + 1]pair
	const none = 1<<31 - 1
	lookup := func(i int) pair {
		if i+1 < len(ids) {
			if p, ok := t.merge[key(ids[i], ids[i+1])]; ok {
				return p
			}
		}
		return pair{rank: none}
	}
	for i := range ids {
		ranks[i] = lookup(i)
	}
	for {
		best := pair{rank: none}
		at := 0
		for i := 0; i+1 < len(ids); i++ {
			if ranks[i].rank < best.rank {
				best, at = ranks[i], i
			}
		}
		if best.rank == none {
			return ids
		}
		ids[at] = best.id
		copy(ids[at+1:], ids[at+2:])
		copy(ranks[at+1:len(ids)-1], ranks[at+2:len(ids)])
		ids = ids[:len(ids)-1]
		ranks[at] = lookup(at)
		if at > 0 {
			ranks[at-1] = lookup(at - 1)
		}
	}
}
