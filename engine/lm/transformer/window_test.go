package transformer

import (
	"context"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/lm/start"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/gguf"
)

// TestWindowStart: what a model whose windows begin with the start symbol predicts from a
// refilled window is what it predicts from the beginning of a lane of the same tokens.
func TestWindowStart(t *testing.T) {
	for arch := range families {
		for _, kept := range []any{true, false, nil, uint32(1)} {
			m := newTiny(arch)
			if kept != nil {
				m.kv[start.KeyWindow] = kept
			}
			if err := try(t, m.bytes(t)); err != nil {
				t.Fatal(err)
			}
			f, err := gguf.Parse(m.bytes(t))
			if err != nil {
				t.Fatal(err)
			}
			model, err := load(context.Background(), f, Options{Path: "x.gguf", Digest: make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			tokens := []int32{predict.Start}
			for i := range 3 * tinyContext {
				tokens = append(tokens, int32(i*i*7+3)%256)
			}
			keep := model.set.keep
			for at, full := tinyContext, 0; at < len(tokens); at += tinyContext - keep + 1 {
				full++
				window := append([]int32{predict.Start}, tokens[at-keep+2:at+1]...)
				got, want := last(t, model, tokens[:at+1]), last(t, model, window)
				if same := slices.Equal(got, want); same != (kept == true) {
					t.Errorf("%s, %s %v, window refilled %d times: the same frequencies: %v", arch, start.KeyWindow, kept, full, same)
				}
			}
		}
	}
}

// last returns the frequencies after the last token of a lane.
func last(t *testing.T, m *Model, tokens []int32) []uint32 {
	t.Helper()
	s, err := m.newSession(context.Background(), predict.SessionOptions{Lanes: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, token := range tokens {
		if err := s.Step([]int32{token}); err != nil {
			t.Fatal(err)
		}
	}
	f, _ := s.Freqs(0)
	return slices.Clone(f)
}
