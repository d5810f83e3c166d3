package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/llmz/llmz/models/convert/checkpoint"
)

// tokenizer is what matters here of a tokenizer.json.
type tokenizer struct {
	Model struct {
		Type         string            `json:"type"`
		Vocab        json.RawMessage   `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
		Unknown      string            `json:"unk_token"`
		ByteFallback bool              `json:"byte_fallback"`
	} `json:"model"`
	Pre   *preTokenizer `json:"pre_tokenizer"`
	Added []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
		Special bool   `json:"special"`
	} `json:"added_tokens"`
}

// A preTokenizer is a step that cuts text into words, or a sequence of steps.
type preTokenizer struct {
	Type       string         `json:"type"`
	Steps      []preTokenizer `json:"pretokenizers"`
	Individual bool           `json:"individual_digits"`
	UseRegex   *bool          `json:"use_regex"`
	Pattern    struct {
		Regex string `json:"Regex"`
	} `json:"pattern"`
}

// Patterns that cut text, and tokenizer.ggml.pre of the vocabularies that are made with
// them. They differ in how many digits stay together.
const modernHead, modernTail = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|`,
	`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

var preOfPattern = map[string]string{
	modernHead + `\p{N}` + modernTail:      "qwen2",
	modernHead + `\p{N}{1,3}` + modernTail: "llama-bpe",
}

// bytePairs returns tokenizer.ggml.pre of a byte-level BPE vocabulary; bytes is false
// for another kind of vocabulary.
func (p *preTokenizer) bytePairs() (pre string, bytes bool, err error) {
	if p == nil {
		return "", false, nil
	}
	steps := p.Steps
	if p.Type != "Sequence" {
		steps = []preTokenizer{*p}
	}
	var digits, gpt2 bool
	var patterns, others []string
	for _, s := range steps {
		switch {
		case s.Type == "ByteLevel":
			bytes, gpt2 = true, s.UseRegex == nil || *s.UseRegex
		case s.Type == "Digits" && s.Individual:
			digits = true
		case s.Type == "Split" && s.Pattern.Regex != "":
			patterns = append(patterns, s.Pattern.Regex)
		default:
			others = append(others, s.Type)
		}
	}
	switch {
	case !bytes || len(others) > 0:
	case gpt2 && digits && len(patterns) == 0:
		return "smollm", true, nil
	case gpt2 && len(patterns) == 0:
		return "gpt-2", true, nil
	case !gpt2 && !digits && len(patterns) == 1 && preOfPattern[patterns[0]] != "":
		return preOfPattern[patterns[0]], true, nil
	}
	if bytes {
		err = formatf("tokenizer.json: a pre_tokenizer that is none of GPT-2's, SmolLM2's, Qwen2's and Llama 3's: %q %q", others, patterns)
	}
	return "", bytes, err
}

// sentencePiece reports whether the vocabulary is one that SentencePiece made: words
// that begin with U+2581, and a token for each byte.
func (t *tokenizer) sentencePiece() bool {
	return t.Model.ByteFallback && (t.Pre == nil || t.Pre.Type == "Metaspace")
}

// readTokenizer reads the vocabulary from tokenizer.json, the one file that newer
// folders have.
func readTokenizer(dir string, size int) (*vocabulary, error) {
	var t tokenizer
	err := checkpoint.ReadJSON(filepath.Join(dir, "tokenizer.json"), &t)
	if errors.Is(err, os.ErrNotExist) {
		return nil, formatf("%s has no vocabulary: tokenizer.json, or of GPT-2 vocab.json and merges.txt", dir)
	}
	if err != nil {
		return nil, err
	}
	pre, bytes, err := t.Pre.bytePairs()
	if err != nil {
		return nil, err
	}
	if t.Model.Type != "BPE" || !bytes && !t.sentencePiece() {
		return nil, formatf("tokenizer.json is of type %q: neither byte-level BPE as GPT-2's nor BPE of characters and bytes as Llama 2's", t.Model.Type)
	}
	v, err := t.tokens(size)
	if err != nil {
		return nil, err
	}
	if !bytes {
		v.score(t.Model.Unknown)
		return v, nil
	}
	v.pre = pre
	return v, t.addMerges(v)
}

// tokens makes a vocabulary of size tokens, those that were added included.
func (t *tokenizer) tokens(size int) (*vocabulary, error) {
	var ids tokenIDs
	if err := json.Unmarshal(t.Model.Vocab, &ids); err != nil {
		return nil, formatf("tokenizer.json: %v", err)
	}
	if ids == nil { // null
		ids = tokenIDs{}
	}
	plain := map[int]bool{}
	for _, a := range t.Added {
		id, ok := ids[a.Content]
		if ok && id != a.ID {
			return nil, formatf("tokenizer.json: token %q has the ids %d and %d", a.Content, id, a.ID)
		}
		plain[a.ID] = !ok
		ids[a.Content] = a.ID
	}
	v, err := newVocab(ids, size)
	if err != nil {
		return nil, err
	}
	for _, a := range t.Added {
		if a.Special {
			v.types[a.ID] = tokenControl
		} else if plain[a.ID] && v.types[a.ID] == tokenNormal {
			v.types[a.ID] = tokenUser
		}
	}
	return v, nil
}

func (t *tokenizer) addMerges(v *vocabulary) error {
	for i, m := range t.Model.Merges { // "a b", since 2024 ["a", "b"]
		var line string
		var pair []string
		if json.Unmarshal(m, &pair) == nil && len(pair) == 2 {
			line = pair[0] + " " + pair[1]
		} else if err := json.Unmarshal(m, &line); err != nil {
			return formatf("tokenizer.json: merge %d is %q", i, m)
		}
		if err := v.addMerge(line); err != nil {
			return fmt.Errorf("tokenizer.json: merge %d: %w", i, err)
		}
	}
	return nil
}

var byteToken = regexp.MustCompile("^<0x[0-9A-F]{2}>$")

// score makes the vocabulary one of SentencePiece's. Its tokens are in the order in
// which they were made, which is that of their scores.
func (v *vocabulary) score(unknown string) {
	v.model, v.pre, v.eot = "llama", "default", -1
	v.scores = make([]float32, len(v.tokens))
	for id, text := range v.tokens {
		v.scores[id] = -float32(id)
		if v.types[id] == tokenNormal && byteToken.MatchString(text) {
			v.types[id] = tokenByte
		}
	}
	if v.unknown = slices.Index(v.tokens, unknown); v.unknown >= 0 {
		v.types[v.unknown] = tokenUnknown
	}
}
