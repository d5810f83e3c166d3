package block

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/mixer/rich"
	"github.com/llmz/llmz/engine/predict"
)

// A Shape is what the memory of a block depends on, beside its model.
type Shape struct {
	Length, Lanes int
	Tokens        int // 0 where symbols are bytes
	Mixer         int // version, 0 without one
	Model         bool
	Stretches     bool
	Rests         bool
	Ways          int // of reading the rich mixer needs, 0 where they are not known
	Coded         int // size of its coded form, 0 where it is not known
}

// Memory estimates the memory that the block takes beside the model, in bytes.
func (s Shape) Memory() int64 {
	// The content and its coded form, which may be there twice while it grows; the tokens.
	coded := s.Length
	if s.Coded > 0 {
		coded = min(coded, 2*s.Coded)
	}
	n := int64(s.Length) + int64(coded) + 4*int64(s.Tokens)
	var history []byte
	if s.Tokens == 0 {
		history = []byte{} // it is the content
	}
	switch {
	case s.Mixer >= archive.MixerRich:
		n += rich.MemoryBytes(rich.Config{Version: s.Mixer, BlockLen: s.Length, Lanes: max(s.Lanes, 1), Ways: s.Ways, Model: s.Model, Tokens: s.Tokens > 0, Stretches: s.Stretches, History: history})
		n += int64(s.Length) // where machine code is changed
	case s.Mixer > 0:
		c := mixer.Config{Version: s.Mixer, BlockLen: s.Length, Lanes: max(s.Lanes, 1), Model: s.Model, Stretches: s.Stretches, Rests: s.Rests, History: history}
		n += mixer.MemoryBytes(c)
	}
	return n
}

// usualWays is how many ways of reading a block is assumed to need that has not been seen.
const usualWays = 2

// Planned returns the shape that a block of n bytes is going to have in a member with header
// h; lanes is the number asked for, 0 for the model's choice.
func Planned(h *archive.Header, m predict.Model, lanes, n int) Shape {
	s := Shape{Length: n, Mixer: int(h.Mixer), Model: m != nil}
	symbols := n
	if _, ok := Tokens(m); ok {
		// Their number is not known yet: a quarter of the bytes is usual.
		symbols = max(1, n/4)
		s.Tokens = symbols
	}
	s.Lanes = Lanes(m, s.Mixer > 0, lanes, symbols)
	s.Stretches = s.Model && Stretched(h, s.Lanes)
	s.Rests = s.Model && Rests(h, s.Lanes)
	s.Ways = usualWays
	return s
}

// Found returns the shape of block b of a member with header h.
func Found(h *archive.Header, b *archive.Block) Shape {
	return Shape{Length: b.Length, Lanes: b.Lanes, Tokens: b.Symbols, Mixer: int(h.Mixer), Model: h.Model != nil,
		Stretches: Stretched(h, b.Lanes), Rests: Rests(h, b.Lanes), Ways: int(b.MixerKind), Coded: max(b.Size, 1)}
}

// Need returns what decoding block b, of a member with header h, takes beside its model.
func Need(h *archive.Header, b *archive.Block) int64 {
	if b.Kind == archive.Stored {
		return 2 * int64(b.Length) // growing, it may be there twice
	}
	return Found(h, b).Memory()
}
