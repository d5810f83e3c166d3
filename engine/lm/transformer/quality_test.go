package transformer

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

func open(t testing.TB, path string, o Options) *Model {
	t.Helper()
	o.Path = path
	m, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func testdata(name ...string) string {
	return filepath.Join(append([]string{"..", "..", "..", "testdata"}, name...)...)
}

// bits codes tokens in one lane and returns the bits per token.
func bits(t testing.TB, m *Model, tokens []int32, foresee bool) float64 {
	t.Helper()
	s, err := m.newSession(context.Background(), predict.SessionOptions{Lanes: 1, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if foresee {
		s.Foresee(predict.KnownLanes([][]int32{tokens}))
	}
	prev := []int32{predict.Start}
	var sum float64
	for _, id := range tokens {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		f, total := s.Freqs(0)
		sum += math.Log2(float64(total) / float64(f[id]))
		prev[0] = id
	}
	return sum / float64(len(tokens))
}

// TestReferenceBits compares with PyTorch's float64 results over 20,000 tokens, see
// testdata/gpt2-tiny.
func TestReferenceBits(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 tokens")
	}
	var ref struct {
		Tokens int
		Bits   float64
	}
	b, err := os.ReadFile(testdata("gpt2-tiny", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &ref); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(testdata("alice29.txt"))
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, testdata("gpt2-tiny", "gpt2-tiny.gguf"), Options{})
	ids, err := m.Tokenize(context.Background(), text[:100000])
	if err != nil {
		t.Fatal(err)
	}
	got, want := bits(t, m, ids[:ref.Tokens], true), ref.Bits/float64(ref.Tokens)
	t.Logf("%.5f bits per token, reference %.5f: %+.3f%%", got, want, 100*(got/want-1))
	if d := math.Abs(got/want - 1); d > 0.003 {
		t.Errorf("%.5f bits per token, reference %.5f", got, want)
	}
}
