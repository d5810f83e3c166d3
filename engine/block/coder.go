package block

import (
	"math"

	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rangecoder"
)

// A coder turns decisions into coded data, or back: a rangecoder.Coder, or one with a
// meter around it.
type coder interface {
	mixer.BitCoder
	Symbol(freqs []uint32, total uint32, symbol int) int
	Size() int
	Truncated() bool
	Finish() ([]byte, error)
}

// A Watcher is told what each symbol of a block costs while it is coded, whatever the
// direction. An encoder may try a block more than once.
type Watcher interface {
	// Begin is called before a try. The model is nil where the mixer is alone; tokens are
	// the block's where they are known, nil otherwise.
	Begin(model predict.Model, symbols int, tokens []int32)
	// Symbol tells of the symbol at place pos, in the order of coding. Where no model is in
	// use, freqs is nil. bits is what coding it took.
	Symbol(pos int, freqs []uint32, total uint32, symbol int32, bits float64)
	// End is called when all of them have been coded. tokens is nil where symbols are bytes.
	End(tokens []int32)
	// Keep tells which try the block holds, counted from 0: AsIs if it holds its n bytes as
	// they are.
	Keep(try, n int)
}

// AsIs stands for no try at all: the block is stored.
const AsIs = -1

// watched returns a coder that codes with c and meters for w; c itself if nobody watches.
func watched(c *rangecoder.Coder, w Watcher) (coder, *meter) {
	if w == nil {
		return c, nil
	}
	m := &meter{Coder: c}
	return m, m
}

// A meter is a coder that adds up what its decisions cost.
type meter struct {
	*rangecoder.Coder
	bits float64
}

// Bit implements mixer.BitCoder.
func (m *meter) Bit(p1 uint32, bit int) int {
	bit = m.Coder.Bit(p1, bit)
	p := p1
	if bit == 0 {
		p = 1<<16 - p1
	}
	m.bits += 16 - math.Log2(float64(p))
	return bit
}

// Symbol implements coder.
func (m *meter) Symbol(freqs []uint32, total uint32, symbol int) int {
	symbol = m.Coder.Symbol(freqs, total, symbol)
	m.bits += math.Log2(float64(total) / float64(freqs[symbol]))
	return symbol
}

// take returns the bits since the last call.
func (m *meter) take() float64 {
	b := m.bits
	m.bits = 0
	return b
}
