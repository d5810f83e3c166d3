// Package mixer codes the bytes of a block one binary decision at a time: a
// network of logistic mixers combines what many contexts have seen in the block
// so far with a model's prediction. All arithmetic is on integers, so the result
// is the same on every machine; encoder and decoder run the same code.
package mixer

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"

	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// Config describes a block.
type Config struct {
	// Version is that of the algorithm, 0 for the latest.
	Version int
	// BlockLen is the number of bytes in the block.
	BlockLen int
	// Lanes is the number of contiguous parts the block is cut into; their lengths
	// differ by at most one, longer ones first.
	Lanes int
	// Kind is what Detect found in the block.
	Kind Kind
	// Stretches says that the block is coded in stretches, each begun with Begin, with the
	// model or without.
	Stretches bool
	// Rests says that bytes of the block's only lane may be coded without the model.
	Rests bool
	// Model says whether a model's frequencies come with each byte.
	Model bool
	// History, if not nil, is BlockLen bytes of memory to keep what has been coded in. It
	// may be the block itself, in either direction: no byte is read before it is coded.
	History []byte
}

// Version is the latest version of the algorithm. Version 1 looked for matches in all
// lanes' past alike.
const Version = 2

// MaxBlockLen is the largest block a Mixer takes.
const MaxBlockLen = 1 << 30

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("invalid mixer configuration")

// BitCoder codes one binary decision, as rangecoder.Coder does: p1 is the
// probability of a one in 1/65536, between 1 and 65535. An encoder encodes bit and
// returns it, a decoder ignores it and returns what it decoded.
type BitCoder interface {
	Bit(p1 uint32, bit int) int
}

// Mixer holds the adaptive state of one block. It is not safe for concurrent use.
type Mixer struct {
	cfg    Config
	lanes  []lane
	hist   []uint8 // the bytes of the block, meaningless where not coded yet
	tokens tokenState

	table   table
	order2  []cm.Adaptive
	mask2   uint32
	matches [numMatch]matchModel
	apart   bool // lanes look for matches in their own past first

	own  []own
	base [numSets]uint32 // where each set of weights begins, in vectors

	byteAPM    cm.APM
	modelAPM   cm.APM
	sums       cm.ByteSums
	o0, o1, o2 *cm.Adaptive

	drop parts // switched off, for measurements
	dead [numCtx]slot

	// The state of the decision being coded.
	x         inputs
	main      decision
	smp       [numCtx]*cm.Adaptive
	withModel bool

	stretches
	rests
}

// Contexts per byte.
const (
	numCtx     = 12
	laneOrders = 2  // the first ones are kept apart for each lane
	firstModal = 6  // from here on they depend on the lane's mode
	laneSparse = 10 // and from here on they are kept apart for each lane again
	numMatch   = 2
	modes      = 3 // ways of reading contexts: text, binary, and the ends of tokens
)

// Positions in the input vector.
const (
	inCtx   = 0
	inOrder = 2 * numCtx
	inMatch = inOrder + 3
	inModel = inMatch + 2*numMatch
	inBias  = inModel + 4
)

// groups is the number of nibbles of a byte's tree: the first and 16 second ones;
// and one for the ends of tokens.
const (
	groups   = 18
	groupEnd = 17
)

// modeEnd is the way of reading contexts for the ends of tokens.
const modeEnd = 2

// lane is the state of one lane.
type lane struct {
	own             *own
	id              uint32 // lane number, modulo 64
	pos, start, end int
	from            int    // where its past begins
	c0              uint32 // bits of the current byte after a leading one
	node            uint32 // bits of the current nibble after a leading one
	group           uint32 // which nibble of the byte: 0, or 1 + the first nibble
	base2           uint32 // of the nibble in order2
	c8              uint64 // the last eight bytes, newest lowest
	word            uint64 // hash of the current word, 0 outside words
	lastWord        uint64 // hash of the word before it
	lineStart       int
	lastLine        int
	classes         uint32 // of the last three bytes, three bits each
	oddness         uint32 // 0..65535: how often bytes have lately been unlike text
	mode            uint32
	hash            [numCtx]uint64
	at              [numCtx]uint32 // bucket and check of each slot
	check           [numCtx]uint8
	slots           [numCtx]*slot
	match           [numMatch]match
	rec             cm.Records
	hits            uint32
}

// logTable returns log2 of the number of buckets for a block of n bytes.
func logTable(n int) uint {
	// About 16 bytes of table per byte of the block.
	b := uint(bits.Len(uint(n/4 + 1)))
	return min(max(b, 8), 22)
}

func log2Clamp(n int, lo, hi uint) uint {
	return min(max(uint(bits.Len(uint(n))), lo), hi)
}

// MemoryBytes returns the memory that New takes for cfg, and NewTokens but for its
// vocabulary.
func MemoryBytes(cfg Config) int64 {
	n := cfg.BlockLen
	m := int64(reflect.TypeFor[Mixer]().Size()) + int64(cfg.Lanes)*int64(reflect.TypeFor[lane]().Size())
	m += 64 << logTable(n)
	if cfg.History == nil {
		m += int64(n)
	}
	m += numMatch * 4 << log2Clamp(n, 10, 21)
	m += 4 << log2Clamp(n, 12, 21)
	m += int64(min(cfg.Lanes, maxOwn)) * ownBytes(cfg)
	m += 2 * cm.APMPoints << log2Clamp(n, 10, 16)
	if cfg.Model {
		m += 2 * cm.APMPoints << 16
	}
	if cfg.Stretches || cfg.Rests {
		m += int64(reflect.TypeFor[net]().Size()) + netBytes() + 2*cm.APMPoints<<log2Clamp(n, 10, 16)
	}
	return m
}

// New prepares to code a block.
func New(cfg Config) (*Mixer, error) {
	n := cfg.BlockLen
	if n < 0 || n > MaxBlockLen {
		return nil, fmt.Errorf("%w: block of %d bytes", ErrConfig, n)
	}
	if cfg.Lanes < 1 || cfg.Lanes > max(n, 1) {
		return nil, fmt.Errorf("%w: %d lanes for %d bytes", ErrConfig, cfg.Lanes, n)
	}
	if cfg.Version < 0 || cfg.Version > Version {
		return nil, fmt.Errorf("%w: unknown version %d", ErrConfig, cfg.Version)
	}
	if cfg.Version == 0 {
		cfg.Version = Version
	}
	if cfg.Rests && (cfg.Lanes != 1 || cfg.Stretches) {
		return nil, fmt.Errorf("%w: rests in %d lanes", ErrConfig, cfg.Lanes)
	}
	if cfg.Kind > Binary {
		return nil, fmt.Errorf("%w: unknown kind %d", ErrConfig, cfg.Kind)
	}
	hist := cfg.History
	if hist == nil {
		hist = make([]uint8, n)
	} else if len(hist) != n {
		return nil, fmt.Errorf("%w: history of %d bytes for a block of %d", ErrConfig, len(hist), n)
	}
	x := &Mixer{
		cfg:   cfg,
		lanes: make([]lane, cfg.Lanes),
		hist:  hist,
		table: newTable(logTable(n)),
	}
	log2 := log2Clamp(n, 12, 21)
	x.order2 = make([]cm.Adaptive, 1<<log2)
	x.mask2 = (1<<log2 - 1) &^ 15
	fill(x.order2, cm.NewAdaptive(32768, 0))
	x.matches[0].init(5, log2Clamp(n, 10, 21))
	x.matches[1].init(12, log2Clamp(n, 10, 21))
	x.matches[1].shared = true
	x.apart = cfg.Version > 1 && cfg.Lanes > 1
	x.allocOwn()
	x.ease = 1 << 16
	if cfg.Stretches || cfg.Rests {
		x.alone = new(net)
		x.alone.alloc(len(x.own[0].weights) / numInputs)
		x.aloneAPM = cm.NewAPM(log2Clamp(n, 10, 16), squash)
	}
	w, ok := warmTable()
	if !ok {
		return nil, errors.New("mixer: the embedded warm start is damaged")
	}
	x.adopt(w, warmTrust)
	x.byteAPM = cm.NewAPM(log2Clamp(n, 10, 16), squash)
	if cfg.Model {
		x.modelAPM = cm.NewAPM(16, squash)
	}
	for i := range x.lanes {
		x.lanes[i].id = uint32(i) & 63
		x.lanes[i].own = &x.own[i*len(x.own)/len(x.lanes)]
		if cfg.Kind == Binary {
			x.lanes[i].mode, x.lanes[i].oddness = 1, 32768
		}
	}
	if cfg.Stretches {
		return x, nil
	}
	x.active, x.until = x.lanes, n
	cut := lanes.Cut{Symbols: n, Lanes: cfg.Lanes}
	for i := range x.lanes {
		at := cut.Start(i)
		x.startLane(i, at, at+cut.Len(i))
	}
	return x, nil
}

// startLane makes bytes start to end of the block lane i.
func (x *Mixer) startLane(i, start, end int) {
	l := &x.lanes[i]
	l.start, l.pos, l.end, l.from = start, start, end, start
	l.c0, l.node = 1, 1
	l.lineStart, l.lastLine = start, start
	x.beginByte(l)
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// written tells whether the byte at position p of the block has been coded.
func (x *Mixer) written(p int) bool {
	return p < x.since || p < x.until && p < x.laneAt(p).pos
}

// laneAt returns the lane that position p is in, from x.since on.
func (x *Mixer) laneAt(p int) *lane {
	lo, hi := 0, len(x.active)
	for hi-lo > 1 {
		if m := (lo + hi) / 2; x.active[m].start <= p {
			lo = m
		} else {
			hi = m
		}
	}
	return &x.active[lo]
}

// Code codes the next byte of a lane: it encodes sym, or ignores it and decodes,
// and returns the byte. freqs are the model's integer frequencies of the 256
// bytes, each at least 1, and total their sum; nil when there is no model.
func (x *Mixer) Code(c BitCoder, lane int, freqs []uint32, total uint32, sym byte) byte {
	l := &x.lanes[lane]
	if len(freqs) == 0 {
		return x.codeByte(c, l, nil, sym)
	}
	x.sums.Fill(freqs)
	return x.codeByte(c, l, &x.sums, sym)
}

// codeByte codes a byte of lane l.
func (x *Mixer) codeByte(c BitCoder, l *lane, model cm.ByteModel, sym byte) byte {
	if x.cfg.Rests {
		x.pick(model != nil)
	}
	spent := uint32(0)
	x.findSlots(l)
	for i := 7; i >= 0; i-- {
		if i == 3 {
			l.node, l.group = 1, l.c0-15
			x.hashSlots(l, uint64(l.c0))
			x.findSlots(l)
		}
		var pm uint32
		var only bool
		if model != nil {
			pm, only = model.One(l.c0)
		}
		p := x.predict(l, l.mode, pm)
		bit := int(pm >> 15)
		if !only {
			bit = c.Bit(p, int(sym>>i)&1)
		}
		if x.cfg.Rests {
			spent += cm.Cost(p, uint32(bit))
		}
		x.update(l, l.mode, uint32(bit))
		l.c0 = l.c0<<1 | uint32(bit)
		l.node = l.node<<1 | uint32(bit)
	}
	x.ease += uint32((int32(min(spent, 1<<20)) - int32(x.ease)) >> 4)
	b := byte(l.c0)
	x.endByte(l, b)
	x.beginByte(l)
	return b
}
