package mixer

import (
	"fmt"

	"github.com/llmz/llmz/engine/mixer/tokens"
)

// tokenState is what a mixer for a model of tokens keeps.
type tokenState struct {
	sums tokens.Sums
	ends tokens.Ends // of the block
	walk tokenWalk
}

// NewTokens prepares to code a block with a model of tokens. laneBytes are the
// numbers of bytes of the lanes; they are coded with c: a decoder gives nil.
func NewTokens(cfg Config, v *tokens.Vocabulary, c BitCoder, laneBytes []int) (*Mixer, error) {
	if laneBytes != nil && len(laneBytes) != cfg.Lanes {
		return nil, fmt.Errorf("%w: bytes of %d lanes, not %d", ErrConfig, len(laneBytes), cfg.Lanes)
	}
	cfg.Model = true
	x, err := New(cfg)
	if err != nil {
		return nil, err
	}
	x.tokens = tokenState{sums: tokens.NewSums(v, cfg.Lanes), ends: tokens.NewEnds(cfg.BlockLen), walk: tokenWalk{x: x}}
	at := 0
	for i, n := range tokens.CodeLengths(c, laneBytes, cfg.Lanes, cfg.BlockLen) {
		x.startLane(i, at, at+n)
		at += n
	}
	return x, nil
}

// PrepareToken does what can be done ahead for the next CodeToken of a lane, which
// then gets the same freqs. It may run at the same time as calls for other lanes.
func (x *Mixer) PrepareToken(lane int, freqs []uint32) { x.tokens.sums.Prepare(lane, freqs) }

// CodeToken codes the next token of a lane: it encodes id, or ignores it and
// decodes, and returns the token. freqs are the model's frequencies of the tokens,
// each at least 1, with a sum below 2^32.
func (x *Mixer) CodeToken(c BitCoder, lane int, freqs []uint32, id int32) int32 {
	w := &x.tokens.walk
	w.BitCoder, w.l = c, &x.lanes[lane]
	id = x.tokens.sums.Code(w, lane, freqs, id)
	x.tokens.ends.Mark(w.l.pos)
	return id
}

// A tokenWalk codes a token of lane l.
type tokenWalk struct {
	BitCoder
	x *Mixer
	l *lane
}

// Byte implements tokens.Coder.
func (w *tokenWalk) Byte(b byte) byte { return w.x.codeByte(w.BitCoder, w.l, &w.x.tokens.sums, b) }

// End implements tokens.Coder.
func (w *tokenWalk) End(pm uint32, bit int) int {
	x, l := w.x, w.l
	l.group = groupEnd
	x.hashSlots(l, 1<<20)
	x.findSlots(l)
	bit = w.Bit(x.predict(l, modeEnd, pm), bit)
	x.update(l, modeEnd, uint32(bit))
	l.group = 0
	x.hashSlots(l, 0)
	return bit
}
