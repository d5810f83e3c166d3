package block

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/mixer/rich"
)

// byteMixer is a mixer that codes bytes: the fast one, or the rich one.
type byteMixer interface {
	Code(c mixer.BitCoder, lane int, freqs []uint32, total uint32, sym byte) byte
	// Begin begins a stretch, and Worth tells what it has cost with the model, and what it
	// would have cost without.
	Begin(end int, model bool)
	Worth() (mixed, alone uint64)
}

// rich tells whether blocks are coded with the rich mixer.
func (c *Codec) rich() bool { return c.Header.Mixer == archive.MixerRich }

// mix gives x the fast mixer for a block of n bytes: which are, or are going to be, in
// x.data unless symbols are tokens. Those are the block's when encoding, nil when decoding.
func (c *Codec) mix(x *coding, n int, kind mixer.Kind, tokens []int32) (err error) {
	cfg := mixer.Config{Version: int(c.Header.Mixer), BlockLen: n, Lanes: x.lanes, Kind: kind, Model: c.Model != nil, Stretches: x.stretches, Rests: c.rests(x.lanes)}
	if tm, ok := Tokens(c.Model); ok {
		x.fast, err = c.Vocabularies.newMixer(x.coder, cfg, tm, tokens)
	} else {
		cfg.History = x.data
		makeRoom(mixer.MemoryBytes(cfg))
		x.fast, err = mixer.New(cfg)
	}
	x.mixer = x.fast
	if err == nil && cfg.Rests {
		x.rester = newRester(x.fast)
	}
	return err
}

// mixRich gives x the rich mixer for the block that is, or is going to be, in x.data.
func (c *Codec) mixRich(x *coding, plan content.Plan) (err error) {
	cfg := rich.Config{BlockLen: len(x.data), Lanes: x.lanes, Plan: plan, Model: c.Model != nil, Stretches: x.stretches, History: x.data}
	makeRoom(rich.MemoryBytes(cfg))
	x.mixer, err = rich.New(cfg)
	return err
}

// rests tells whether the model rests in a block with so many lanes.
func (c *Codec) rests(lanes int) bool { return c.Model != nil && Rests(c.Header, lanes) }
