package block

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/mixer/rich"
	"github.com/llmz/llmz/engine/mixer/tokens"
	"github.com/llmz/llmz/engine/predict"
)

// byteMixer is a mixer that codes bytes: the fast one, or the rich one.
type byteMixer interface {
	Code(c mixer.BitCoder, lane int, freqs []uint32, total uint32, sym byte) byte
	// Begin begins a stretch with the model in so many lanes, or without where there are none,
	// and Worth tells what it has cost with the model, and what it would have cost without.
	Begin(end, lanes int)
	Worth() (mixed, alone uint64)
}

// tokenMixer is a mixer for models of tokens.
type tokenMixer interface {
	byteMixer
	PrepareToken(lane int, freqs []uint32)
	CodeToken(c mixer.BitCoder, lane int, freqs []uint32, id int32) int32
}

// rich tells whether blocks are coded with the rich mixer.
func (c *Codec) rich() bool { return c.Header.Mixer >= archive.MixerRich }

// mix gives x the fast mixer for a block of n bytes: which are, or are going to be, in
// x.data unless symbols are tokens. Those are the block's when encoding, nil when decoding.
func (c *Codec) mix(x *coding, n int, kind mixer.Kind, symbols []int32) (err error) {
	cfg := mixer.Config{Version: int(c.Header.Mixer), BlockLen: n, Lanes: x.lanes, Kind: kind, Model: c.Model != nil, Stretches: c.stretches(x.lanes), Rests: c.rests(x.lanes)}
	if tm, ok := Tokens(c.Model); ok {
		return c.mixTokens(x, mixer.MemoryBytes(cfg), tm, symbols, func(v *tokens.Vocabulary, laneBytes []int) (tokenMixer, error) {
			return mixer.NewTokens(cfg, v, x.coder, laneBytes)
		})
	}
	cfg.History = x.data
	makeRoom(mixer.MemoryBytes(cfg))
	m, err := mixer.New(cfg)
	x.mixer = m
	switch {
	case err != nil:
	case cfg.Rests:
		x.rester = newRester(m)
	case cfg.Stretches:
		x.stretches = &stretchPlan{mixer: m, lanes: x.lanes, left: n}
	}
	return err
}

// mixRich gives x the rich mixer for a block of n bytes, with symbols as mix takes them.
func (c *Codec) mixRich(x *coding, n int, plan content.Plan, symbols []int32) (err error) {
	cfg := rich.Config{Version: int(c.Header.Mixer), BlockLen: n, Lanes: x.lanes, Plan: plan, Model: c.Model != nil, Stretches: c.stretches(x.lanes)}
	if tm, ok := Tokens(c.Model); ok {
		cfg.Tokens = true
		return c.mixTokens(x, rich.MemoryBytes(cfg), tm, symbols, func(v *tokens.Vocabulary, laneBytes []int) (tokenMixer, error) {
			return rich.NewTokens(cfg, v, x.coder, laneBytes)
		})
	}
	cfg.History = x.data
	makeRoom(rich.MemoryBytes(cfg))
	m, err := rich.New(cfg)
	x.mixer = m
	switch {
	case err != nil || !cfg.Stretches:
	case c.Header.Mixer >= archive.MixerByKind:
		x.stretches = newKindPlan(m, x.lanes, plan)
	default:
		x.stretches = &stretchPlan{mixer: m, lanes: x.lanes, left: n}
	}
	return err
}

// mixTokens gives x the mixer that build makes for a model of tokens, in so much memory. It
// codes the numbers of bytes of the lanes.
func (c *Codec) mixTokens(x *coding, memory int64, tm predict.TokenModel, symbols []int32, build func(v *tokens.Vocabulary, laneBytes []int) (tokenMixer, error)) error {
	v, err := c.Vocabularies.of(tm)
	if err != nil {
		return err
	}
	makeRoom(memory)
	x.words, err = build(v, laneBytes(tm, symbols, x.lanes))
	x.mixer = x.words
	return err
}

// laneBytes returns the numbers of bytes of a block's lanes, nil where its tokens are not known.
func laneBytes(tm predict.TokenModel, symbols []int32, n int) []int {
	if symbols == nil {
		return nil
	}
	size := make([]int, n)
	for i, lane := range lanes.Split(symbols, n) {
		for _, t := range lane {
			size[i] += len(tm.TokenBytes(t))
		}
	}
	return size
}

// rests tells whether the model rests in a block with so many lanes.
func (c *Codec) rests(lanes int) bool { return c.Model != nil && Rests(c.Header, lanes) }
