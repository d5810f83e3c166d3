package bpe

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
	"github.com/llmz/llmz/ggml/gguf/gguftest"
)

const tiny = "../../../testdata/gpt2-tiny/"

func gpt2(t testing.TB) *Tokenizer {
	t.Helper()
	f, err := gguf.Open(tiny + "gpt2-tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func roundTrip(t testing.TB, tok *Tokenizer, data []byte) []int32 {
	t.Helper()
	ids, err := tok.Tokenize(context.Background(), data)
	if err != nil {
		t.Fatalf("%.60q: %v", data, err)
	}
	var back []byte
	for _, id := range ids {
		back = append(back, tok.TokenBytes(id)...)
	}
	if !bytes.Equal(back, data) {
		t.Fatalf("%.60q came back as %.60q", data, back)
	}
	return ids
}

// TestReference compares with the tokens of an independent implementation.
func TestReference(t *testing.T) {
	raw, err := os.ReadFile(tiny + "reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		Text   string  `json:"text"`
		Bytes  int     `json:"bytes"`
		Tokens int     `json:"tokens"`
		SHA256 string  `json:"tokens_sha256"`
		First  []int32 `json:"first_tokens"`
	}
	if err := json.Unmarshal(raw, &ref); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../testdata/" + ref.Text)
	if err != nil {
		t.Fatal(err)
	}
	ids := roundTrip(t, gpt2(t), text[:ref.Bytes])[:ref.Tokens]
	if !slices.Equal(ids[:len(ref.First)], ref.First) {
		t.Errorf("first tokens %v, want %v", ids[:len(ref.First)], ref.First)
	}
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, ids)
	if got := hex.EncodeToString(h.Sum(nil)); got != ref.SHA256 {
		t.Errorf("the tokens hash to %s, want %s", got, ref.SHA256)
	}
}

// TestGPT2 has cuts that are known of GPT-2's tokenizer.
func TestGPT2(t *testing.T) {
	tok := gpt2(t)
	for text, want := range map[string][]int32{
		"Hello world":     {15496, 995},
		"<|endoftext|>":   {27, 91, 437, 1659, 5239, 91, 29},
		"a\n\n  b":        {64, 628, 220, 275},
		"it's 1999":       {270, 338, 7358},
		"":                nil,
		" ":               {220},
		"naïve \u00a0x":   {2616, 38776, 220, 1849, 87},
		"\xff\xfe":        {187, 186},
		"na\xc3":          {2616, 127},
		"we'll   see\t\r": {732, 1183, 220, 220, 766, 197, 201},
	} {
		if ids := roundTrip(t, tok, []byte(text)); !slices.Equal(ids, want) {
			t.Errorf("%q: %v, want %v", text, ids, want)
		}
	}
	if b := tok.TokenBytes(50256); len(b) != 0 {
		t.Errorf("<|endoftext|> has bytes %q", b)
	}
	if tok.TokenBytes(-1) != nil || tok.TokenBytes(1<<30) != nil {
		t.Error("ids outside the vocabulary have bytes")
	}
}

func TestAnyBytes(t *testing.T) {
	tok := gpt2(t)
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
			if n%2 == 0 {
				b[i] = " \n\t'aé1.\xe2\x82\xac\xf0"[r.IntN(13)]
			}
		}
		for _, rule := range []Rule{GPT2, GPT2Digits, Modern, Modern3, Spaces} {
			tok := &Tokenizer{rule: rule, bytes: tok.bytes, single: tok.single, merge: tok.merge, cache: map[string][]int32{}}
			roundTrip(t, tok, b)
		}
	}
}

// TestLongLines makes sure that time grows with length, not with its square.
func TestLongLines(t *testing.T) {
	tok := gpt2(t)
	for _, unit := range []string{"a", " ", "\n", "é", "\xff", "\x00", "1", "ab ", "'"} {
		roundTrip(t, tok, []byte(strings.Repeat(unit, 300_000)))
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	time.Sleep(time.Millisecond)
	if _, err := gpt2(t).Tokenize(ctx, []byte("text")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestWords(t *testing.T) {
	cut := func(rule Rule, s string) (out []string) {
		for b := []byte(s); len(b) > 0; {
			n := rule.word(b)
			out = append(out, string(b[:n]))
			b = b[n:]
		}
		return out
	}
	for _, c := range []struct {
		rule Rule
		text string
		want []string
	}{
		{GPT2, "I'm 1234!!  ok \n", []string{"I", "'m", " 1234", "!!", " ", " ok", " \n"}},
		{GPT2Digits, "x 12", []string{"x", " ", "1", "2"}},
		{Modern, "I'M 12!!\n\n  ok", []string{"I", "'M", " ", "1", "2", "!!\n\n", " ", " ok"}},
		{Modern3, "12345 a\n \n b", []string{"123", "45", " a", "\n \n", " b"}},
		{Spaces, "one  two", []string{"one", "  two"}},
	} {
		if got := cut(c.rule, c.text); !slices.Equal(got, c.want) {
			t.Errorf("rule %d: %q, want %q", c.rule, got, c.want)
		}
	}
}

func TestScored(t *testing.T) {
	tokens := []string{"<unk>", "<0x0A>", "<0xC3>", "▁", "a", "b", "▁a", "ab", "▁ab"}
	types := []int32{2, 6, 6, 1, 1, 1, 1, 1, 1}
	scores := []float32{0, 0, 0, -1, -2, -3, -4, -5, -6}
	tok, err := newScored(tokens, types, scores)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := roundTrip(t, tok, []byte("ab ab\n\xc3")), []int32{7, 8, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := tok.Tokenize(context.Background(), []byte("z")); !errors.Is(err, predict.ErrNoToken) {
		t.Errorf("error %v", err)
	}
}

func TestBadVocabulary(t *testing.T) {
	for name, set := range map[string]func(w *gguf.Writer){
		"none":     func(w *gguf.Writer) {},
		"no model": func(w *gguf.Writer) { w.Set("tokenizer.ggml.tokens", []string{"a"}) },
		"kind": func(w *gguf.Writer) {
			w.Set("tokenizer.ggml.tokens", []string{"a"})
			w.Set("tokenizer.ggml.model", "bert")
		},
		"merges": func(w *gguf.Writer) {
			w.Set("tokenizer.ggml.tokens", []string{"a"})
			w.Set("tokenizer.ggml.model", "gpt2")
		},
		"types": func(w *gguf.Writer) {
			w.Set("tokenizer.ggml.tokens", []string{"a"})
			w.Set("tokenizer.ggml.token_type", []int32{1, 1})
			w.Set("tokenizer.ggml.model", "gpt2")
		},
	} {
		var w gguf.Writer
		set(&w)
		f := gguftest.Parse(t, &w)
		if _, err := New(f); !errors.Is(err, ErrVocabulary) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzTokenize(f *testing.F) {
	tok := gpt2(f)
	f.Add([]byte("It's a test\r\n\t  of 12 things, é\xff"), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, rule uint8) {
		tok := &Tokenizer{rule: Rule(rule % 5), bytes: tok.bytes, single: tok.single, merge: tok.merge, cache: map[string][]int32{}}
		roundTrip(t, tok, data)
	})
}

func BenchmarkTokenize(b *testing.B) {
	tok := gpt2(b)
	text, err := os.ReadFile("../../../testdata/alice29.txt")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := tok.Tokenize(context.Background(), text); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPrintable(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	s := Printable(all)
	if string(fromPrintable(s)) != string(all) || strings.ContainsAny(s, " \n\x00\x7f") {
		t.Errorf("the bytes are written %q", s)
	}
	if got := Printable([]byte(" a\n")); got != "Ġa\u010a" {
		t.Errorf("a space and a line end are written %q", got)
	}
}
