package gpt2

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Token types of GGUF's tokenizer.ggml.token_type.
const (
	tokenNormal  int32 = 1
	tokenControl int32 = 3
	tokenUnused  int32 = 5
)

const endOfText = "<|endoftext|>"

// A bpeVocab is a byte-level BPE vocabulary as GGUF stores it.
type bpeVocab struct {
	tokens []string // in GPT-2's printable alphabet
	types  []int32
	merges []string // "left right", best first
	eot    int      // id of <|endoftext|>, -1 where there is none
}

// readVocab reads vocab.json and merges.txt (or encoder.json and vocab.bpe) and
// pads the vocabulary to size tokens.
func readVocab(dir string, size int) (*bpeVocab, error) {
	raw, err := readFirst(dir, "vocab.json", "encoder.json")
	if err != nil {
		return nil, err
	}
	var ids map[string]int
	if err := json.Unmarshal(raw, &ids); err != nil {
		return nil, formatf("the vocabulary is not a JSON object of numbers: %v", err)
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
	raw, err = readFirst(dir, "merges.txt", "vocab.bpe")
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		if a, b, ok := strings.Cut(line, " "); !ok || a == "" || b == "" || strings.Contains(b, " ") {
			return nil, formatf("line %d of the merges is %q", i+1, line)
		}
		v.merges = append(v.merges, line)
	}
	return v, nil
}

func readFirst(dir string, names ...string) ([]byte, error) {
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, n))
		if err == nil {
			return b, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return nil, formatf("%s has no %s", dir, strings.Join(names, " or "))
}
