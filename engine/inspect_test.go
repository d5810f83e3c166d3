package engine

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/predict"
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

// What Inspect tells is what Compress writes, to the byte, and InspectArchive finds the same
// in the archive: models, mixing, stored blocks and those of the mixer alone.
func TestInspectIsTheArchive(t *testing.T) {
	text := alice(t, 9000)
	mixed := append(bytes.Clone(text[:3000]), randomBytes(3000)...)
	for name, c := range map[string]struct {
		content []byte
		o       Options
		blocks  string // s stored, m model, x mixed, b both
	}{
		"nothing":             {nil, Options{Model: newFakeModel("a")}, ""},
		"model":               {text, Options{Model: newFakeModel("a"), NoMix: true, BlockSize: 5000}, "mm"},
		"both":                {text, Options{Model: newFakeModel("a"), BlockSize: 5000}, "bb"},
		"lanes":               {text, Options{Model: newFakeModel("a"), Lanes: 7, BlockSize: 8000}, "bb"},
		"stretches":           {text, Options{Model: newFakeModel("a"), Lanes: 2, BlockSize: 8500}, "bb"},
		"mixer":               {text, Options{NoModel: true}, "x"},
		"asked for all":       {append(randomLetters(2500), text...), Options{Model: newReader(), Lanes: 1}, "b"},
		"mixer, of itself":    {make([]byte, 3000), Options{Model: newFakeModel("a")}, "x"},
		"stored":              {randomBytes(3000), Options{Model: newFakeModel("a")}, "s"},
		"some stored":         {mixed, Options{Model: newFakeModel("a"), BlockSize: 3000}, "bs"},
		"tokens":              {text, Options{Model: newFakeTokenModel(), BlockSize: 5000}, "bb"},
		"tokens alone":        {text, Options{Model: newFakeTokenModel(), Lanes: 3, NoMix: true}, "m"},
		"tokens, some stored": {mixed, Options{Model: newFakeTokenModel(), BlockSize: 3000}, "bs"},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.o
			o.Meta = Meta{Name: "inspected.txt", Mode: 0o644}
			ar, res := compress(t, c.content, o)
			x, err := Inspect(t.Context(), c.content, InspectOptions{Model: o.Model, NoMix: o.NoMix, BlockSize: o.BlockSize, Lanes: o.Lanes, Meta: o.Meta, Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			if x.ArchiveBytes != int64(len(ar)) {
				t.Errorf("%d bytes, the archive has %d", x.ArchiveBytes, len(ar))
			}
			kinds := ""
			var coded int64
			for _, b := range x.Blocks {
				coded += b.Bytes
				switch {
				case b.Stored:
					kinds += "s"
				case b.Model && b.Mixed:
					kinds += "b"
				case b.Model:
					kinds += "m"
				case b.Mixed:
					kinds += "x"
				}
			}
			if kinds != c.blocks || res.Blocks != len(x.Blocks) {
				t.Errorf("blocks %s, want %s", kinds, c.blocks)
			}
			lengths := 31 * 0.0 // of the lanes of tokens
			for _, b := range x.Blocks {
				if o.Model != nil && o.Model.Info().Kind == predict.Tokens && b.Mixed {
					lengths += 31 * float64(b.Lanes-1)
				}
			}
			if over := float64(coded) - (x.Bits+lengths)/8; over < -1 || over > 3*float64(len(x.Blocks)) {
				t.Errorf("the blocks have %d bytes, the symbols add up to %.1f", coded, x.Bits/8)
			}
			y, err := InspectArchive(t.Context(), bytes.NewReader(ar), int64(len(ar)), 0, -1, ReadOptions{Models: resolver(), Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(y.Content, c.content) || !slices.Equal(y.Symbols, x.Symbols) || !slices.Equal(y.Blocks, x.Blocks) {
				t.Error("the archive tells something else")
			}
			if y.ArchiveBytes != x.ArchiveBytes || y.Bits != x.Bits || y.Mixed != x.Mixed || y.Model.Name != x.Model.Name || y.Lanes != x.Lanes {
				t.Errorf("the archive: %d bytes, %v bits, %q, %v; %d, %v, %q, %v", y.ArchiveBytes, y.Bits, y.Model.Name, y.Mixed, x.ArchiveBytes, x.Bits, x.Model.Name, x.Mixed)
			}
			for _, r := range [][2]int64{{0, 100}, {2500, 2999}, {2500, 5500}, {4000, -1}, {8000, 1 << 40}, {1 << 40, -1}} {
				part, err := InspectArchive(t.Context(), bytes.NewReader(ar), int64(len(ar)), r[0], r[1], ReadOptions{Models: resolver()})
				if err != nil {
					t.Fatalf("%v: %v", r, err)
				}
				var want []SymbolCost
				base := int64(-1)
				for _, s := range x.Symbols {
					if s.end() > r[0] && (r[1] < 0 || s.Offset < r[1]) {
						if base < 0 {
							base = s.Offset
						}
						s.Offset -= base
						want = append(want, s)
					}
				}
				if !slices.Equal(part.Symbols, want) {
					t.Errorf("%v: %d symbols, want %d", r, len(part.Symbols), len(want))
				}
				if n := len(want); n > 0 && !bytes.Equal(part.Content, c.content[base:base+want[n-1].end()]) {
					t.Errorf("%v: other content", r)
				}
			}
		})
	}
}

// Of a large block, no more is decoded than is looked at.
func TestInspectArchiveStopsEarly(t *testing.T) {
	content := stretchyContent(goldenContent(t))
	made, _ := compress(t, content, Options{Model: newFakeModel("a"), Lanes: 2})
	var last int64
	x, err := InspectArchive(t.Context(), bytes.NewReader(made), int64(len(made)), 0, 1000, ReadOptions{Models: resolver(), ProgressInterval: 1, Observer: func(e Event) {
		if p, ok := e.(Progress); ok {
			last = p.Bytes
		}
	}})
	if err != nil || len(x.Symbols) != 1000 || !bytes.Equal(x.Content, content[:1000]) {
		t.Fatalf("%d symbols, %v", len(x.Symbols), err)
	}
	if last > int64(len(content))/2 {
		t.Errorf("%d of %d bytes were decoded", last, len(content))
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
	for _, s := range x.Symbols {
		for _, g := range s.Guesses {
			if want := (tokenModel{}).TokenBytes(g.Symbol); g.P > 0 && !bytes.Equal(x.Bytes(g), want) {
				t.Errorf("token %d is %q, not %q", g.Symbol, x.Bytes(g), want)
			}
		}
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
			if e.Err != nil || e.Result.Symbols != 3000 {
				t.Errorf("finished with %+v", e) // the last byte is stored
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
