package hf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/models/convert/checkpoint"
)

// Token types of GGUF's tokenizer.ggml.token_type.
const (
	tokenNormal  int32 = 1
	tokenUnknown int32 = 2
	tokenControl int32 = 3
	tokenUser    int32 = 4 // plain text that merging never makes
	tokenUnused  int32 = 5
	tokenByte    int32 = 6
)

const endOfText = "<|endoftext|>"

// maxVocab is the largest vocabulary: a million tokens are four times those of the
// largest model that is known.
const maxVocab = 1 << 20

// A vocabulary is one as GGUF stores it.
type vocabulary struct {
	model   string   // tokenizer.ggml.model: gpt2 (byte-level BPE) or llama (SentencePiece)
	pre     string   // tokenizer.ggml.pre: how text is cut into words
	tokens  []string // of gpt2 in its printable alphabet
	types   []int32
	merges  []string  // of gpt2: "left right", best first
	scores  []float32 // of llama: what has the highest is merged first
	eot     int       // id of <|endoftext|>, -1 where there is none
	unknown int       // id of the token for what has none, -1 where there is none
}

// write adds the vocabulary to a file's metadata.
func (v *vocabulary) write(w *gguf.Writer) {
	w.Set("tokenizer.ggml.model", v.model)
	w.Set("tokenizer.ggml.pre", v.pre)
	w.Set("tokenizer.ggml.tokens", v.tokens)
	w.Set("tokenizer.ggml.token_type", v.types)
	if v.scores != nil {
		w.Set("tokenizer.ggml.scores", v.scores)
	} else {
		w.Set("tokenizer.ggml.merges", v.merges)
	}
	if v.unknown >= 0 {
		w.Set("tokenizer.ggml.unknown_token_id", uint32(v.unknown))
	}
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
func readVocab(dir string, size int) (*vocabulary, error) {
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

func newVocab(ids tokenIDs, size int) (*vocabulary, error) {
	if len(ids) == 0 {
		return nil, formatf("the vocabulary has no tokens")
	}
	v := &vocabulary{model: "gpt2", pre: "gpt-2", unknown: -1, tokens: make([]string, size), types: make([]int32, size), eot: -1}
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

func (v *vocabulary) addMerge(line string) error {
	if a, b, ok := strings.Cut(line, " "); !ok || a == "" || b == "" || strings.Contains(b, " ") {
		return formatf("%q is no pair of tokens", line)
	}
	if v.merges = append(v.merges, line); len(v.merges) > maxVocab {
		return formatf("more than %d merges", maxVocab)
	}
	return nil
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
