package engine

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rangecoder"
)

// orderModel predicts bytes, or pairs of bytes, by fixed frequencies that favour
// the symbol after the last one.
type orderModel struct{ tokens bool }

func (m orderModel) Info() predict.Info {
	i := predict.Info{Ref: predict.Ref{Name: "order"}, Alphabet: 256}
	if m.tokens {
		i.Kind, i.Alphabet = predict.Tokens, 256+1
	}
	return i
}
func (m orderModel) Lanes(n int) int       { return 1 + n/100 }
func (m orderModel) MemoryBytes(int) int64 { return 0 }
func (orderModel) Preferences(int) predict.Preferences {
	return predict.Preferences{}
}
func (m orderModel) Close() error { return nil }
func (m orderModel) NewSession(_ context.Context, o predict.SessionOptions) (predict.Session, error) {
	return &orderSession{m: m, freqs: make([]uint32, m.Info().Alphabet), prev: make([]int32, o.Lanes)}, nil
}

// tokenModel has one token more than there are bytes: "he".
type tokenModel struct{ orderModel }

func (tokenModel) Tokenize(_ context.Context, b []byte) ([]int32, error) {
	var out []int32
	for i := 0; i < len(b); i++ {
		if b[i] == 'h' && i+1 < len(b) && b[i+1] == 'e' {
			out = append(out, 256)
			i++
			continue
		}
		out = append(out, int32(b[i]))
	}
	return out, nil
}

func (tokenModel) TokenBytes(id int32) []byte {
	if id == 256 {
		return []byte("he")
	}
	return []byte{byte(id)}
}

type orderSession struct {
	m     orderModel
	freqs []uint32
	prev  []int32
}

func (s *orderSession) Step(prev []int32) error { copy(s.prev, prev); return nil }
func (s *orderSession) Freqs(lane int) ([]uint32, uint32) {
	total := uint32(0)
	for i := range s.freqs {
		s.freqs[i] = 1
		if i == 'e' || i == 't' {
			s.freqs[i] = 20
		}
		if int32(i) == s.prev[lane]+1 {
			s.freqs[i] = 100
		}
		total += s.freqs[i]
	}
	return s.freqs, total
}
func (s *orderSession) StageTimes() (int64, int64) { return 1, 1 }
func (s *orderSession) Close() error               { return nil }

func alice(t *testing.T, n int) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "alice29.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// The costs add up to what the coder really writes.
func TestInspectAddsUp(t *testing.T) {
	content := alice(t, 5000)
	for _, lanes := range []int{1, 7} {
		for _, m := range []predict.Model{nil, orderModel{}} {
			x, err := Inspect(t.Context(), content, InspectOptions{Model: m, Lanes: lanes})
			if err != nil {
				t.Fatal(err)
			}
			mix, err := mixer.New(mixer.Config{BlockLen: len(content), Lanes: lanes, Kind: mixer.Detect(content), Model: m != nil})
			if err != nil {
				t.Fatal(err)
			}
			s := &orderSession{freqs: make([]uint32, 256), prev: make([]int32, lanes)}
			for i := range s.prev {
				s.prev[i] = predict.Start
			}
			c := rangecoder.NewEncoder(nil)
			short, long := len(content)/lanes, len(content)%lanes
			for step := range short + 1 {
				for lane := range lanes {
					if step == short && lane >= long {
						break
					}
					b := content[lane*short+min(lane, long)+step]
					if m != nil {
						f, total := s.Freqs(lane)
						mix.Code(c, lane, f, total, b)
					} else {
						mix.Code(c, lane, nil, 0, b)
					}
					s.prev[lane] = int32(b)
				}
			}
			out, err := c.Finish()
			if err != nil {
				t.Fatal(err)
			}
			if d := x.Bits/8 - float64(len(out)); math.Abs(d) > 12 {
				t.Errorf("%d lanes: the costs add up to %.1f bytes, the coder wrote %d", lanes, x.Bits/8, len(out))
			}
		}
	}
}

func TestInspectGuesses(t *testing.T) {
	x, err := Inspect(t.Context(), []byte("abez"), InspectOptions{Model: orderModel{}, NoMix: true, Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	// The start symbol is -1, so byte 0 is expected first, then e and t.
	total := 100.0 + 20 + 20 + 253
	for i, want := range []struct {
		rank  int32
		bits  float64
		guess byte
	}{{4 + 'a' - 1, math.Log2(total), 0}, {1, math.Log2(total / 100), 'b'}, {2, math.Log2(total / 20), 'c'}, {0, math.Log2(total - 19), 'f'}} {
		s := x.Symbols[i]
		if want.rank > 0 && s.Rank != want.rank {
			t.Errorf("symbol %d: rank %d, want %d", i, s.Rank, want.rank)
		}
		if i < 3 && math.Abs(float64(s.Bits)-want.bits) > 1e-3 {
			t.Errorf("symbol %d: %v bits, want %v", i, s.Bits, want.bits)
		}
		if g := x.Bytes(s.Guesses[0]); g[0] != want.guess {
			t.Errorf("symbol %d: expected %q, want %q", i, g, want.guess)
		}
		if math.Abs(s.P()-math.Exp2(-float64(s.Bits))) > 1e-9 {
			t.Errorf("P %v of %v bits", s.P(), s.Bits)
		}
	}
}

func TestInspectTokens(t *testing.T) {
	content := []byte("the hen, the shed")
	x, err := Inspect(t.Context(), content, InspectOptions{Model: tokenModel{orderModel{tokens: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if !x.Mixed {
		t.Error("tokens were not mixed")
	}
	var joined []byte
	at := int64(0)
	for _, s := range x.Symbols {
		if s.Offset != at {
			t.Fatalf("a symbol begins at %d, not %d", s.Offset, at)
		}
		at += int64(s.Length)
		joined = append(joined, content[s.Offset:s.Offset+int64(s.Length)]...)
	}
	if !bytes.Equal(joined, content) || len(x.Symbols) != len(content)-4 {
		t.Errorf("%d symbols: %q", len(x.Symbols), joined)
	}
	if b := x.Bytes(Guess{Symbol: 256}); string(b) != "he" {
		t.Errorf("token 256 is %q", b)
	}
}

func TestInspectBlocksAndEvents(t *testing.T) {
	content := alice(t, 3001)
	var started, finished int
	x, err := Inspect(t.Context(), content, InspectOptions{Model: orderModel{}, BlockSize: 1000, ProgressInterval: 1, Observer: func(e Event) {
		switch e := e.(type) {
		case Started:
			started++
			if e.TotalBytes != 3001 {
				t.Errorf("total %d", e.TotalBytes)
			}
		case Finished:
			finished++
			if e.Err != nil || e.Result.Symbols != 3001 {
				t.Errorf("finished with %+v", e)
			}
		}
	}})
	if err != nil || len(x.Symbols) != 3001 || started != 1 || finished != 1 {
		t.Errorf("%v, %d symbols, %d started, %d finished", err, len(x.Symbols), started, finished)
	}
	for i, s := range x.Symbols {
		if s.Offset != int64(i) || s.Bits <= 0 {
			t.Fatalf("symbol %d: %+v", i, s)
		}
	}
}

func TestInspectEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Inspect(ctx, alice(t, 100), InspectOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Inspect(t.Context(), nil, InspectOptions{}); err != nil {
		t.Errorf("nothing: %v", err)
	}
	if _, err := Inspect(t.Context(), alice(t, 100), InspectOptions{NoMix: true}); err == nil {
		t.Error("no predictor at all was accepted")
	}
}
