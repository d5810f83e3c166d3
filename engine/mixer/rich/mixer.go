package rich

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// Config describes a block.
type Config struct {
	// Version is the mixer's version, 3 to 6; 0 is 5, the newest with all contexts. They read images and audio
	// alike; version 3 reads content that is none and no text in its own way, version 5 judges other bytes, and version
	// 6, the lean one, reads text in half as many contexts.
	Version int
	// BlockLen is the number of bytes in the block.
	BlockLen int
	// Lanes is the number of contiguous parts the block is cut into; their lengths differ by
	// at most one, longer ones first.
	Lanes int
	// Plan says what kinds of content the block is made of; nil is one segment of nothing
	// known.
	Plan content.Plan
	// Ways is the number of ways of reading that a plan which is not known calls for; for
	// MemoryBytes only.
	Ways int
	// Stretches says that the block is coded in stretches, which begin with Begin, and in
	// which bytes may be coded without the model.
	Stretches bool
	// Model says whether a model's frequencies come with each byte.
	Model bool
	// Tokens says that they are of tokens. NewTokens sets it.
	Tokens bool
	// History, if not nil, is BlockLen bytes of memory to keep what has been coded in. It may
	// be the block itself, in either direction: no byte is read before it is coded.
	History []byte
}

// The versions of the mixer that there are.
const (
	versionFirst  = 3
	versionByKind = 5
	versionFull   = 5 // the newest with all contexts
	versionLean   = 6
	versionNewest = 6
)

// version returns the version that is meant.
func (c Config) version() int {
	if c.Version == 0 {
		return versionFull
	}
	return c.Version
}

// MaxBlockLen is the largest block a Mixer takes.
const MaxBlockLen = 1 << 30

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("invalid mixer configuration")

// BitCoder codes one binary decision.
type BitCoder = mixer.BitCoder

// Mixer holds the adaptive state of one block. It is not safe for concurrent use.
type Mixer struct {
	cfg    Config
	plan   content.Plan
	starts []int // of the plan's segments
	lanes  []lane
	hist   []uint8 // the bytes of the block, meaningless where not coded yet

	table   table
	common  [content.NumKinds]*common
	matches [numMatch]matchModel
	apart   bool // there are several lanes
	own     []own
	sums    cm.ByteSums

	// The state of the decision being coded.
	x         inputs
	main      decision
	states    [numCtx]uint8 // of the contexts' histories
	runAt     [numCtx]uint8 // of the runs, 0 where there is none
	direct    [numDirect]int32
	o0, o1    *cm.Adaptive
	withModel bool
	atEnd     bool // it is whether a token ends

	tokens tokenState
	stretches
}

const (
	maxCtx       = 36 // contexts per byte that an input set may have
	numModelCtx  = 2  // and those of what the model expects
	numCtx       = maxCtx + numModelCtx
	inputsPerCtx = 4
	numOrders    = 8 // contexts that tell, by being known, how much the mixer knows
	numMatch     = 3
	numFinal     = 3 // weight vectors of the second layer, whose outputs are averaged
	numModel     = 6
	numDirect    = 16 // direct predictions of an input set
)

// Positions in the input vector.
const (
	inOrder  = 0
	inMatch  = inOrder + 2
	inModel  = inMatch + 3*numMatch
	inDirect = inModel + numModel
	inBias   = inDirect + numDirect
	inCtx    = (inBias + 1 + inputsPerCtx - 1) &^ (inputsPerCtx - 1) // last, as there may be fewer
	inEnd    = inCtx + inputsPerCtx*numCtx
)

const _ = uint(numInputs - inEnd)

// usedInputs returns how many inputs there are with so many contexts, in whole vectors of the network's
// products.
func usedInputs(contexts int) int {
	return (inCtx + inputsPerCtx*contexts + inputChunk - 1) &^ (inputChunk - 1)
}

func log2Clamp(n int, lo, hi uint) uint {
	return min(max(ilogInt(n), lo), hi)
}

// New prepares to code a block.
func New(cfg Config) (*Mixer, error) {
	cfg.Version = cfg.version()
	if cfg.Version < versionFirst || cfg.Version > versionNewest {
		return nil, fmt.Errorf("%w: version %d", ErrConfig, cfg.Version)
	}
	if cfg.Tokens && cfg.Version == versionLean {
		return nil, fmt.Errorf("%w: version %d with a model of tokens", ErrConfig, cfg.Version)
	}
	n := cfg.BlockLen
	if n < 0 || n > MaxBlockLen {
		return nil, fmt.Errorf("%w: block of %d bytes", ErrConfig, n)
	}
	if cfg.Lanes < 1 || cfg.Lanes > max(n, 1) {
		return nil, fmt.Errorf("%w: %d lanes for %d bytes", ErrConfig, cfg.Lanes, n)
	}
	hist := cfg.History
	if hist == nil {
		hist = make([]uint8, n)
	} else if len(hist) != n {
		return nil, fmt.Errorf("%w: history of %d bytes for a block of %d", ErrConfig, len(hist), n)
	}
	plan := cfg.Plan
	if plan == nil {
		plan = content.Plan{{Len: n}}
	}
	x := &Mixer{cfg: cfg, plan: plan, lanes: make([]lane, cfg.Lanes), hist: hist, table: table{make([]bucket, tableLen(n, cfg.Version))}}
	x.table.hugePages()
	at := 0
	for _, s := range plan {
		if int(s.Kind) >= content.NumKinds || s.Len < 0 {
			return nil, fmt.Errorf("%w: unknown %v", ErrConfig, s.Kind)
		}
		x.starts = append(x.starts, at)
		at += s.Len
	}
	if at != n {
		return nil, fmt.Errorf("%w: segments of %d bytes in a block of %d", ErrConfig, at, n)
	}
	for i := range x.matches {
		x.matches[i].init(matchLens[i], log2Clamp(n, 10, 22))
		x.matches[i].shared = i < numMatch-1
	}
	x.apart = cfg.Lanes > 1
	x.own = make([]own, min(cfg.Lanes, maxOwn))
	for i := range x.lanes {
		x.lanes[i].id = uint32(i) & 63
		x.lanes[i].own = &x.own[i*len(x.own)/len(x.lanes)]
	}
	if cfg.Stretches {
		x.mains = mainKinds(plan)
	}
	if cfg.Stretches || cfg.Tokens {
		return x, nil // what begins a stretch, or knows the lanes, starts them
	}
	cut := lanes.Cut{Symbols: n, Lanes: cfg.Lanes}
	for i := range x.lanes {
		at := cut.Start(i)
		x.startLane(&x.lanes[i], at, at+cut.Len(i))
	}
	return x, nil
}

const maxOwn = 32

// startLane makes bytes start to end of the block, from the front on, those of lane l.
func (x *Mixer) startLane(l *lane, start, end int) {
	l.pos, l.end, l.from = start, end, start
	l.span = x.claim(end)
	l.c0, l.node = 1, 1
	x.enterSegment(l)
	x.beginByte(l)
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// Code codes the next byte of a lane: it encodes sym, or ignores it and decodes, and
// returns the byte. freqs are the model's integer frequencies of the 256 bytes, each at
// least 1, and total their sum; nil when there is no model.
func (x *Mixer) Code(c BitCoder, lane int, freqs []uint32, total uint32, sym byte) byte {
	l := &x.lanes[lane]
	if len(freqs) == 0 {
		return x.codeByte(c, l, nil, sym)
	}
	x.sums.Fill(freqs)
	x.modelContexts(l, x.sums.Freqs)
	return x.codeByte(c, l, &x.sums, sym)
}

// codeByte codes a byte of lane l.
func (x *Mixer) codeByte(c BitCoder, l *lane, model cm.ByteModel, sym byte) byte {
	x.judge(l, model != nil)
	x.findSlots(l)
	var half uint32 // what the slots of the second nibble have been looked for with
	for i := 7; i >= 0; i-- {
		if i == 3 {
			l.node = 1
			if half != l.c0 {
				x.hashSlots(l, uint64(l.c0), 0)
			}
			x.findSlots(l)
		}
		var pm uint32
		var only bool
		if model != nil {
			pm, only = model.One(l.c0)
		}
		p := x.predict(l, pm)
		if i == 4 { // most likely, so that memory has answered until then
			half = l.c0<<1 | p>>15
			x.hashSlots(l, uint64(half), 0)
		}
		bit := pm >> 15
		if !only {
			bit = uint32(c.Bit(p, int(sym>>i)&1))
		}
		x.update(l, bit)
		l.c0 = l.c0<<1 | bit
		l.node = l.node<<1 | bit
	}
	b := byte(l.c0)
	if n := l.n; x.endByte(l, b) {
		x.beginByte(l)
		x.countRuns(l, n, b) // while memory is asked for the next one's slots
	}
	return b
}
