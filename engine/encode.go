package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rangecoder"
)

// mixerVersion is the version of the mixer that archives record: its output is a
// part of the format.
const mixerVersion = mixer.Version

// probeSteps is the number of steps whose frequencies are hashed into archives
// of models that are not exact.
const probeSteps = 8

// errIncompressible ends the coding of a block that is better stored.
var errIncompressible = errors.New("block does not compress")

// encoded is a finished block.
type encoded struct {
	header  archive.Block
	payload []byte
	// bare is the number of bytes that the model alone would have needed, where it was
	// mixed, else 0.
	bare int64
}

// blockEncoder encodes blocks with one set of options. It may be used by several
// goroutines at once.
type blockEncoder struct {
	job     *job
	model   predict.Model // nil: the mixer alone
	mixed   bool
	lanes   int // 0: the model's choice
	threads int // per block

	vocabularies vocabularies
}

// encode encodes data, block number n. dst is memory for the payload, nil to
// allocate it.
func (e *blockEncoder) encode(ctx context.Context, n int, data, dst []byte) (encoded, error) {
	out := encoded{header: archive.Block{Kind: archive.Coded, Length: len(data), Sum: archive.Checksum(data)}}
	m := &blockMeter{job: e.job, block: n}
	payload, bare, err := e.code(ctx, m, data, dst, &out.header)
	if err == nil && len(payload) >= len(data) {
		err = errIncompressible
	}
	if errors.Is(err, errIncompressible) {
		out.header = archive.Block{Kind: archive.Stored, Length: len(data), Sum: out.header.Sum}
		payload, err = data, nil
		m.set(int64(len(data)), int64(len(data)), 0, Profile{})
	}
	if err != nil {
		return encoded{}, blockError(ctx, n, err)
	}
	out.payload, out.bare = payload, bare
	return out, nil
}

// blockError names the block in err, unless it is the context's.
func blockError(ctx context.Context, n int, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	return &BlockError{n, err}
}

// code fills in b and returns the payload, and what the model alone would have needed.
func (e *blockEncoder) code(ctx context.Context, m *blockMeter, data, dst []byte, b *archive.Block) ([]byte, int64, error) {
	if dst == nil {
		dst = make([]byte, 0, len(data)/4+64)
	}
	c := &blockCodec{coder: rangecoder.NewEncoder(dst), model: e.model, known: true, threads: e.threads, gate: e.job.gate}
	defer func() { m.addProfile(&c.profile) }()
	symbols := len(data)
	if tm, ok := asTokens(e.model); ok {
		start := time.Now()
		tokens, err := tm.Tokenize(ctx, data)
		c.profile[StageTokenize] += time.Since(start)
		if err != nil {
			return nil, 0, err
		}
		if len(tokens) == 0 || len(tokens) > len(data) {
			return nil, 0, fmt.Errorf("model %s cut %d bytes into %d tokens", e.model.Info().Name, len(data), len(tokens))
		}
		symbols = len(tokens)
		c.tokens = tokens
		b.Symbols = symbols
	} else {
		c.data = data
	}
	b.Lanes = e.lanes
	if b.Lanes == 0 {
		b.Lanes = defaultLanes(e.model, e.mixed, symbols)
	}
	b.Lanes = min(max(b.Lanes, 1), symbols, archive.MaxLanes)
	c.lanes = b.Lanes
	c.stretches = e.stretches(b.Lanes)
	e.job.start(e.info(), b.Lanes, e.mixed)
	if e.mixed {
		kind := mixer.Detect(data)
		b.MixerKind = uint8(kind)
		var err error
		if tm, ok := asTokens(e.model); ok {
			c.mixer, err = e.vocabularies.newTokenMixer(c.coder, mixer.Config{BlockLen: len(data), Lanes: b.Lanes, Kind: kind}, tm, c.tokens)
		} else {
			c.mixer, err = newMixer(mixer.Config{Lanes: b.Lanes, Kind: kind, Model: e.model != nil, Stretches: c.stretches, History: data})
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if e.model != nil && !e.model.Info().Exact() {
		c.probe, c.probeSteps = sha256.New(), probeSteps
		if steps := (symbols + b.Lanes - 1) / b.Lanes; steps < probeSteps {
			c.probeSteps = steps
		}
	}
	try := tryLength(data, c.lanes >= 8 && !c.stretches)
	c.monitor = func(done int) error {
		bytes := int64(len(data)) * int64(done) / int64(symbols)
		size := int64(c.coder.Size())
		m.set(bytes, size, int64(done), c.live())
		if size > bytes && bytes >= try {
			return errIncompressible
		}
		return nil
	}
	if err := c.run(ctx); err != nil {
		return nil, 0, err
	}
	payload, err := c.coder.Finish()
	if err != nil {
		return nil, 0, err
	}
	if c.probe != nil {
		b.Probe, b.ProbeSteps = c.probeSum(), c.probeSteps
	}
	m.set(int64(len(data)), int64(len(payload)), int64(symbols), c.profile)
	return payload, int64(c.bare / (8 * 256)), nil
}

// stretches tells whether a block with so many lanes is coded in stretches.
func (e *blockEncoder) stretches(lanes int) bool {
	return e.mixed && e.model != nil && stretched(mixerVersion, archiveModel(e.model.Info()), lanes)
}

func (e *blockEncoder) info() predict.Info {
	if e.model == nil {
		return predict.Info{}
	}
	return e.model.Info()
}

func asTokens(m predict.Model) (predict.TokenModel, bool) {
	if m == nil || m.Info().Kind != predict.Tokens {
		return nil, false
	}
	tm, ok := m.(predict.TokenModel)
	return tm, ok
}

// bigMixer is the size from which a mixer's memory is collected before the next
// one is made.
const bigMixer = 64 << 20

// newMixer makes the mixer for the block whose content is cfg.History, or is to be.
func newMixer(cfg mixer.Config) (*mixer.Mixer, error) {
	cfg.BlockLen = len(cfg.History)
	if mixer.MemoryBytes(cfg) >= bigMixer {
		// The last block's mixer is garbage by now. Left to itself, the collector would
		// wait until there is as much again; and pages that it merely keeps for later
		// count, too, where the new mixer does not fit into the holes of the old.
		debug.FreeOSMemory()
	}
	return mixer.New(cfg)
}

// mixedLanes bounds the lanes of byte models' blocks that are mixed. The mixer learns
// from lanes in turn, so that more of them cost more than the model's own start does;
// ggml/NUMERICS.md has the measurements.
const mixedLanes = 8

// defaultLanes returns the number of lanes for a block of n symbols.
func defaultLanes(m predict.Model, mixed bool, n int) int {
	switch {
	case m == nil:
		// The mixer alone has no matrix products that lanes would make cheaper, and sees
		// most context with one.
		return 1
	case mixed && m.Info().Kind == predict.Bytes:
		return min(m.Lanes(n), mixedLanes)
	}
	return m.Lanes(n)
}
