package gpt2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/models/convert/checkpoint"
)

// Token types of GGUF's tokenizer.ggml.token_type.
const (
	tokenNormal  int32 = 1
	tokenControl int32 = 3
	tokenUnused  int32 = 5
)

const endOfText = "<|endoftext|>"

// maxVocab is the largest vocabulary: a million tokens are four times those of the
// largest model that is known.
const maxVocab = 1 << 20

// A bpeVocab is a byte-level BPE vocabulary as GGUF stores it.
type bpeVocab struct {
	tokens []string // in GPT-2's printable alphabet
	types  []int32
	merges []string // "left right", best first
	eot    int      // id of <|endoftext|>, -1 where there is none
}

// tokenIDs are the tokens of a vocabulary and their numbers. It is read piece by
// piece, so that a text of nothing but tiny tokens cannot take gigabytes.
type tokenIDs map[string]int

func (t *tokenIDs) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errors.New("the vocabulary is not an object of numbers")
	}
	*t = tokenIDs{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var id int
		if err := d.Decode(&id); err != nil {
			return fmt.Errorf("the vocabulary is not an object of numbers: %w", err)
		}
		if (*t)[key.(string)] = id; len(*t) > maxVocab {
			return fmt.Errorf("the vocabulary has more than %d tokens", maxVocab)
		}
	}
	return nil
}

// readVocab reads the vocabulary of a folder and pads it to size tokens. It is in
// vocab.json and merges.txt (or encoder.json and vocab.bpe), or in tokenizer.json.
func readVocab(dir string, size int) (*bpeVocab, error) {
	var ids tokenIDs
	err := readFirst(dir, &ids, "vocab.json", "encoder.json")
	if errors.Is(err, os.ErrNotExist) {
		return readTokenizer(dir, size)
	}
	if err != nil {
		return nil, err
	}
	v, err := newVocab(ids, size)
	if err != nil {
		return nil, err
	}
	var raw []byte
	if err := readFirst(dir, &raw, "merges.txt", "vocab.bpe"); errors.Is(err, os.ErrNotExist) {
		return nil, formatf("%s has no merges.txt or vocab.bpe", dir)
	} else if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		if err := v.addMerge(line); err != nil {
			return nil, fmt.Errorf("line %d of the merges: %w", i+1, err)
		}
	}
	return v, nil
}

func newVocab(ids tokenIDs, size int) (*bpeVocab, error) {
	if len(ids) == 0 {
		return nil, formatf("the vocabulary has no tokens")
	}
	v := &bpeVocab{tokens: make([]string, size), types: make([]int32, size), eot: -1}
	seen := make([]bool, size)
	for tok, id := range ids {
		if id < 0 || id >= size || seen[id] {
			return nil, formatf("token %q has id %d: not unique, or outside the model's %d", tok, id, size)
		}
		seen[id], v.tokens[id], v.types[id] = true, tok, tokenNormal
		if tok == endOfText {
			v.types[id], v.eot = tokenControl, id
		}
	}
	for id, ok := range seen {
		if !ok {
			v.tokens[id], v.types[id] = fmt.Sprintf("[PAD%d]", id), tokenUnused
		}
	}
	return v, nil
}

func (v *bpeVocab) addMerge(line string) error {
	if a, b, ok := strings.Cut(line, " "); !ok || a == "" || b == "" || strings.Contains(b, " ") {
		return formatf("%q is no pair of tokens", line)
	}
	if v.merges = append(v.merges, line); len(v.merges) > maxVocab {
		return formatf("more than %d merges", maxVocab)
	}
	return nil
}

// readTokenizer reads the vocabulary from tokenizer.json, the one file that newer
// folders have.
func readTokenizer(dir string, size int) (*bpeVocab, error) {
	var t struct {
		Model struct {
			Type   string            `json:"type"`
			Vocab  json.RawMessage   `json:"vocab"`
			Merges []json.RawMessage `json:"merges"`
		} `json:"model"`
		Pre   json.RawMessage `json:"pre_tokenizer"`
		Added []struct {
			ID      int    `json:"id"`
			Content string `json:"content"`
			Special bool   `json:"special"`
		} `json:"added_tokens"`
	}
	err := checkpoint.ReadJSON(filepath.Join(dir, "tokenizer.json"), &t)
	if errors.Is(err, os.ErrNotExist) {
		return nil, formatf("%s has no vocabulary: neither vocab.json and merges.txt nor tokenizer.json", dir)
	}
	if err != nil {
		return nil, err
	}
	if t.Model.Type != "BPE" || !bytes.Contains(t.Pre, []byte(`"ByteLevel"`)) {
		return nil, formatf("tokenizer.json is of type %q, not byte-level BPE as GPT-2's", t.Model.Type)
	}
	var ids tokenIDs
	if err := json.Unmarshal(t.Model.Vocab, &ids); err != nil {
		return nil, formatf("tokenizer.json: %v", err)
	}
	if ids == nil { // null
		ids = tokenIDs{}
	}
	for _, a := range t.Added {
		if id, ok := ids[a.Content]; ok && id != a.ID {
			return nil, formatf("tokenizer.json: token %q has the ids %d and %d", a.Content, id, a.ID)
		}
		ids[a.Content] = a.ID
	}
	v, err := newVocab(ids, size)
	if err != nil {
		return nil, err
	}
	for _, a := range t.Added {
		if a.Special {
			v.types[a.ID] = tokenControl
		}
	}
	for i, m := range t.Model.Merges { // "a b", since 2024 ["a", "b"]
		var line string
		var pair []string
		if json.Unmarshal(m, &pair) == nil && len(pair) == 2 {
			line = pair[0] + " " + pair[1]
		} else if err := json.Unmarshal(m, &line); err != nil {
			return nil, formatf("tokenizer.json: merge %d is %q", i, m)
		}
		if err := v.addMerge(line); err != nil {
			return nil, fmt.Errorf("tokenizer.json: merge %d: %w", i, err)
		}
	}
	return v, nil
}

// readFirst reads the first of these files that there is: as JSON, or as bytes.
func readFirst(dir string, v any, names ...string) (err error) {
	for _, n := range names {
		path := filepath.Join(dir, n)
		if raw, ok := v.(*[]byte); ok {
			*raw, err = checkpoint.ReadText(path)
		} else {
			err = checkpoint.ReadJSON(path, v)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return err
}
