package vocab

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func learn(t *testing.T, size int, texts ...string) *Vocabulary {
	t.Helper()
	l := NewLearner()
	for _, s := range texts {
		l.Add([]byte(s))
	}
	v, err := l.Learn(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLearnMergesTheMostFrequentPair(t *testing.T) {
	v := learn(t, 300, "low low low lower lowest newest newest newest widest widest wider")
	// "es" is there 6 times within words, "lo" 5 times, …: merges follow the counts.
	want := []string{"e s", "es t", "l o", "lo w"}
	for _, m := range want {
		if !slices.Contains(v.Merges, m) {
			t.Errorf("no merge %q among %q", m, v.Merges)
		}
	}
	if v.Merges[0] != "e s" || v.Tokens[Least] != "es" {
		t.Errorf("first merge %q", v.Merges[0])
	}
	if len(v.Tokens) != Least+len(v.Merges) {
		t.Errorf("%d tokens of %d merges", len(v.Tokens), len(v.Merges))
	}
	seen := map[string]bool{}
	for _, s := range v.Tokens {
		if seen[s] {
			t.Errorf("token %q twice", s)
		}
		seen[s] = true
	}
}

// TestEveryByteIsReachable cuts data that the vocabulary has never seen.
func TestEveryByteIsReachable(t *testing.T) {
	data, err := os.ReadFile("../../../testdata/canterbury_small.bin")
	if err != nil {
		t.Fatal(err)
	}
	v := learn(t, 700, string(data))
	if len(v.Tokens) != 700 {
		t.Fatalf("%d tokens", len(v.Tokens))
	}
	tok, err := v.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]byte, 0, 1024)
	for i := range 512 {
		all = append(all, byte(i), byte(i*7))
	}
	for _, text := range [][]byte{data, all, []byte("\r\n\t caf\xc3\xa9 \xff\x00")} {
		ids, err := tok.Tokenize(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		var back []byte
		for _, id := range ids {
			back = append(back, tok.TokenBytes(id)...)
		}
		if string(back) != string(text) {
			t.Errorf("%q came back as %q", text, back)
		}
	}
	ids, _ := tok.Tokenize(t.Context(), data)
	if len(ids) > len(data)/2 {
		t.Errorf("%d bytes in %d tokens", len(data), len(ids))
	}
	if len(tok.TokenBytes(v.Start)) != 0 {
		t.Error("the start symbol has bytes")
	}
}

func TestLearnIsDetermined(t *testing.T) {
	text := strings.Repeat("a rose is a rose is a rose; arose, rosy, rows and rows. ", 20)
	a, b := learn(t, 400, text), learn(t, 400, text[:len(text)/2], text[len(text)/2:])
	if !reflect.DeepEqual(a, learn(t, 400, text)) {
		t.Error("the same text gave another vocabulary")
	}
	if len(b.Tokens) == len(a.Tokens) && !reflect.DeepEqual(a.Tokens[:260], b.Tokens[:260]) {
		t.Error("cutting the text changed the first merges")
	}
}

func TestLearnFewPatterns(t *testing.T) {
	if v := learn(t, 5000, "abab abab"); len(v.Tokens) > Least+6 {
		t.Errorf("%d tokens of next to nothing: %q", len(v.Tokens), v.Merges)
	}
	if v := learn(t, 5000); len(v.Tokens) != Least || len(v.Merges) != 0 {
		t.Errorf("%d tokens of nothing", len(v.Tokens))
	}
}

func TestLearnErrors(t *testing.T) {
	for _, size := range []int{0, 256, Most + 1} {
		if _, err := NewLearner().Learn(t.Context(), size); !errors.Is(err, ErrVocabulary) {
			t.Errorf("%d tokens: %v", size, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := NewLearner()
	l.Add([]byte(strings.Repeat("the quick brown fox ", 50)))
	if _, err := l.Learn(ctx, 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
