package engine

import (
	"math"

	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/predict"
)

// NumGuesses is the number of most likely symbols that an Inspection keeps.
const NumGuesses = 5

// A Guess is a symbol that a model expected, with its probability (0 to 1).
type Guess struct {
	Symbol int32
	P      float32
}

// SymbolCost says what one symbol of the content cost, and what the model
// thought of it.
type SymbolCost struct {
	// Offset and Length are the symbol's bytes in the content.
	Offset int64
	Length int32
	// Rank is the symbol's place among the model's guesses, 1 for the most likely; 0
	// where no model was asked.
	Rank int32
	// Bits is what the symbol cost; ModelBits what it would have cost with the bare
	// model, 0 where none was asked.
	Bits, ModelBits float32
	// Guesses are the model's most likely symbols, best first; unused ones at the
	// end have P 0.
	Guesses [NumGuesses]Guess
}

// P returns the probability that the symbol was coded with.
func (s *SymbolCost) P() float64 { return math.Exp2(-float64(s.Bits)) }

// judge fills in what the model thought of the symbol that came.
func (s *SymbolCost) judge(freqs []uint32, total uint32, symbol int32) {
	var best [NumGuesses]struct {
		sym  int32
		freq uint32
	}
	own := freqs[symbol]
	rank := int32(1)
	for i, f := range freqs {
		if f > own || f == own && int32(i) < symbol {
			rank++
		}
		if f <= best[NumGuesses-1].freq {
			continue
		}
		j := NumGuesses - 1
		for j > 0 && f > best[j-1].freq {
			best[j] = best[j-1]
			j--
		}
		best[j].sym, best[j].freq = int32(i), f
	}
	s.Rank = rank
	s.ModelBits = float32(math.Log2(float64(total) / float64(own)))
	for i, b := range best {
		s.Guesses[i] = Guess{b.sym, float32(float64(b.freq) / float64(total))}
	}
}

// A recorder keeps the costs of the symbols of a block. It implements block.Watcher.
type recorder struct {
	base     int64 // where the block starts in all of the content
	from, to int   // its bytes that are wanted
	tries    []*try
	kept     int
	// stop, if set, is called once all that is wanted is known.
	stop   func()
	enough bool
}

// A try is what one way of coding a block cost.
type try struct {
	tokens  predict.TokenModel // nil where symbols are bytes
	first   int                // the symbol that costs begin with
	costs   []SymbolCost
	content []byte // of the costs, where symbols are bytes
	left    int    // costs to come
}

func (r *recorder) Begin(m predict.Model, symbols int, tokens []int32) {
	t := &try{left: symbols}
	if tm, ok := block.Tokens(m); ok {
		t.tokens = tm
		t.costs = make([]SymbolCost, symbols)
		t.place(r.base, tokens)
	} else {
		t.first = min(r.from, symbols)
		t.left = min(r.to, symbols) - t.first
		t.costs, t.content = make([]SymbolCost, t.left), make([]byte, t.left)
		for i := range t.costs {
			t.costs[i].Offset, t.costs[i].Length = r.base+int64(t.first+i), 1
		}
	}
	r.tries = append(r.tries, t)
}

// place notes where the tokens are in the content.
func (t *try) place(at int64, tokens []int32) {
	for i, id := range tokens {
		n := len(t.tokens.TokenBytes(id))
		t.costs[i].Offset, t.costs[i].Length = at, int32(n)
		at += int64(n)
	}
}

func (r *recorder) Symbol(pos int, freqs []uint32, total uint32, symbol int32, bits float64) {
	t := r.tries[len(r.tries)-1]
	i := pos - t.first
	if i < 0 || i >= len(t.costs) {
		return
	}
	c := &t.costs[i]
	c.Bits = float32(bits)
	if freqs != nil {
		c.judge(freqs, total, symbol)
	}
	if t.tokens == nil {
		t.content[i] = byte(symbol)
	}
	if t.left--; t.left == 0 && t.tokens == nil && r.stop != nil {
		r.enough = true
		r.stop()
	}
}

func (r *recorder) End(tokens []int32) {
	t := r.tries[len(r.tries)-1]
	if t.tokens != nil {
		t.place(r.base, tokens)
	}
}

func (r *recorder) Keep(kept, n int) {
	r.kept = kept
	if kept != block.AsIs {
		return
	}
	t := &try{}
	for i := min(r.from, n); i < min(r.to, n); i++ {
		t.costs = append(t.costs, SymbolCost{Offset: r.base + int64(i), Length: 1, Bits: 8})
	}
	r.tries, r.kept = []*try{t}, 0
}

// result returns the try that the block holds, or as much of it as there is.
func (r *recorder) result() *try {
	if r.kept >= len(r.tries) {
		return &try{}
	}
	t := r.tries[r.kept]
	if t.tokens != nil {
		lo, hi := 0, len(t.costs)
		for lo < hi && t.costs[lo].end() <= r.base+int64(r.from) {
			lo++
		}
		for hi > lo && t.costs[hi-1].Offset >= r.base+int64(r.to) {
			hi--
		}
		t.costs = t.costs[lo:hi]
	}
	return t
}

func (s *SymbolCost) end() int64 { return s.Offset + int64(s.Length) }
