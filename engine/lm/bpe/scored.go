package bpe

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// newScored makes the tokenizer of a SentencePiece vocabulary: characters are
// merged as long as the result is a token, the one of highest score first. The
// merges that lead to a token are all its cuts into two others.
func newScored(tokens []string, types []int32, scores []float32) (*Tokenizer, error) {
	t := empty(tokens)
	t.rule = Spaces
	t.chars = make(map[string]int32)
	id := make(map[string]int32, len(tokens))
	var order []int32
	for i, s := range tokens {
		switch typeOf(types, i) {
		case typeNormal:
			text := strings.ReplaceAll(s, "▁", " ")
			t.bytes[i] = []byte(text)
			id[text] = int32(i)
			if utf8.RuneCountInString(text) == 1 {
				t.chars[text] = int32(i)
			} else {
				order = append(order, int32(i))
			}
		case typeByte:
			var b byte
			if _, err := fmt.Sscanf(s, "<0x%02X>", &b); err != nil {
				return nil, fmt.Errorf("%w: byte token %q", ErrVocabulary, s)
			}
			t.bytes[i] = []byte{b}
			t.single[b] = int32(i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return scores[order[a]] > scores[order[b]] })
	for rank, i := range order {
		text := t.bytes[i]
		if len(text) > maxWord {
			continue
		}
		for cut := 1; cut < len(text); cut++ {
			left, ok1 := id[string(text[:cut])]
			right, ok2 := id[string(text[cut:])]
			if ok1 && ok2 {
				t.merge[key(left, right)] = pair{int32(rank), i}
			}
		}
	}
	return t, nil
}
