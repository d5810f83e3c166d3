package block

import (
	"math"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// No predictor is ever sure: a decision costs something even if it was foreseen as well as
// the arithmetic can express. So a block's length sets a least size to its payload, below
// which the block was not written by an encoder, and is refused before any memory or time
// goes into decoding it. Blocks of the most compressible content come close to it.

const (
	// bitCostLeast is what a decision of the mixer costs at least, in bits: its
	// probabilities are at most 65535/65536.
	bitCostLeast = 2.2e-5 // log2(65536/65535) = 2.2014e-5
	// FreqsMost is the largest frequency of a symbol in the models of bytes on the bundled
	// graph, where all others have at least 1.
	FreqsMost = 1<<23 + 1
	// laneBits is what the mixer spends on the length of a lane of tokens.
	laneBits = 31
)

// LeastPayload returns the least number of bytes in which block b, of a member with header h
// and that model, can have been coded.
func LeastPayload(h *archive.Header, b *archive.Block, m predict.Model) int {
	alphabet, most := 256, float64(1<<32)
	tokens := h.Model != nil && h.Model.Tokens
	if m != nil {
		alphabet = m.Info().Alphabet
	}
	if m != nil && !tokens && m.Info().Numerics == 1 {
		most = FreqsMost
	}
	symbols := float64(b.Length)
	if tokens {
		symbols = float64(b.Symbols)
	}
	var bits float64
	switch {
	case h.Mixer == 0:
		bits = symbols * math.Log2(1+float64(max(alphabet-1, 0))/most)
	case tokens:
		if alphabet > 1 {
			bits = symbols * bitCostLeast // at least one decision for each
		}
		bits += float64(laneBits * (b.Lanes - 1))
	default:
		bits = 8 * symbols * bitCostLeast
	}
	// The coder keeps up to 16 bits back, and its divisions round.
	return max(0, int((bits*0.999-17)/8))
}

// CheckLength refuses blocks that no encoder can have written.
func CheckLength(n int, h *archive.Header, b *archive.Block, m predict.Model, vs *Vocabularies) error {
	corrupt := func(what string) error {
		return &archive.Error{Block: n, What: what, Class: archive.ErrCorrupt}
	}
	if b.Kind == archive.Stored {
		return nil
	}
	if b.Size < LeastPayload(h, b, m) {
		return corrupt("its coded data is too short for its length")
	}
	if tm, ok := Tokens(m); ok && b.Length > b.Symbols*vs.longest(tm) {
		return corrupt("its tokens are too few for its length")
	}
	return nil
}
