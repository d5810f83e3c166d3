package demo

import (
	"math"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/predict"
)

// Inspection makes up what a model thought of content: the beginnings of words
// are dear, what follows is cheap, and bytes that are not letters lie between.
func Inspection(content []byte) *engine.Inspection {
	x := &engine.Inspection{Model: predict.Info{Ref: predict.Ref{Name: "gru"}, Kind: predict.Bytes, Alphabet: 256}, Mixed: true, Lanes: 1, Content: content}
	inWord := 0
	for i, b := range content {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
		bits := 1.2
		switch {
		case letter && inWord == 0:
			bits = 4.5
		case letter:
			bits = 3 / float64(1+inWord)
		}
		if letter {
			inWord++
		} else {
			inWord = 0
		}
		// Some spread, the same each time.
		h := uint32(i)*2654435761 ^ uint32(b)*40503
		bits *= 0.3 + 2*math.Pow(float64(h>>16&1023)/1023, 3)
		s := engine.SymbolCost{Offset: int64(i), Length: 1, Bits: float32(bits), ModelBits: float32(bits * 1.1), Rank: int32(1 + bits*bits/2)}
		p := float32(math.Exp2(-bits))
		others := []byte{' ', 'e', 't', 'a', '\n', 0xc3}
		rest := 1 - p
		for j := range s.Guesses {
			if int32(j+1) == s.Rank {
				s.Guesses[j] = engine.Guess{Symbol: int32(b), P: p}
				continue
			}
			rest *= 0.55
			s.Guesses[j] = engine.Guess{Symbol: int32(others[(j+i)%len(others)]), P: rest}
		}
		x.Bits += bits
		x.Symbols = append(x.Symbols, s)
	}
	return x
}
