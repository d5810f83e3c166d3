package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rangecoder"
)

// blockDecoder decodes blocks of one member. It may be used by several
// goroutines at once.
type blockDecoder struct {
	job     *job
	header  *archive.Header
	model   predict.Model // nil where the block needs none
	threads int           // per block
	plan    plan
	need    int64 // bytes that the block takes beside the model
	fixed   int64 // and the model, with the process

	vocabularies *vocabularies
}

// newBlockDecoder prepares to decode blocks like b, number n, of the member with header h. It
// resolves the model if b needs one. index is what the archive's index takes in memory.
func newBlockDecoder(ctx context.Context, j *job, models *modelCache, h *archive.Header, n int, b *archive.Block, o *ReadOptions, index int64) (*blockDecoder, error) {
	if err := admit(n, h, b, o, index); err != nil {
		return nil, err
	}
	if b.Kind == archive.Stored {
		j.start(predict.Info{}, 0, false)
		return &blockDecoder{job: j, header: h, threads: 1, need: blockNeed(h, b), fixed: ProcessMemory + index}, nil
	}
	model, err := models.get(ctx, h)
	if err != nil {
		return nil, err
	}
	if err := checkLength(n, h, b, model, &models.vocabularies); err != nil {
		return nil, err
	}
	index += models.others(model)
	if err := allow(h, b, model, o.MemoryLimit, index); err != nil {
		return nil, err
	}
	shape := decodedShape(h, b)
	limit := max(o.MemoryLimit, 0)
	if limit > 0 {
		limit = max(1, limit-index)
	}
	p, err := planWithin(model, shape, j.threads, 0, limit)
	if err != nil {
		return nil, err
	}
	fixed, need := index+overhead(model), blockNeed(h, b)
	var info predict.Info
	if model != nil {
		info = model.Info()
		fixed += model.MemoryBytes(b.Lanes)
		need += max(0, model.MemoryBytes(b.Lanes)-model.MemoryBytes(1)) // a session of its own
	}
	j.start(info, b.Lanes, shape.mixed)
	return &blockDecoder{job: j, header: h, model: model, threads: p.threads, plan: p, need: need, fixed: fixed, vocabularies: &models.vocabularies}, nil
}

// earlyBytes is the least that comes out of a block before all of it is decoded: so what
// is short has been checked when it comes.
const earlyBytes = 64 << 10

// decode decodes block number n from payload into dst's memory, which grows as
// needed, and checks the content. That of a stored block is the payload itself. ready, if set,
// is called with more and more of the content, as far as it is known, before it has been
// checked.
func (d *blockDecoder) decode(ctx context.Context, n int, b *archive.Block, payload, dst []byte, ready func([]byte)) ([]byte, error) {
	m := &blockMeter{job: d.job, block: n}
	var data []byte
	symbols := 0
	if b.Kind == archive.Stored {
		data = payload
	} else {
		c := &blockCodec{coder: rangecoder.NewDecoder(payload), model: d.model, threads: d.threads, lanes: b.Lanes, gate: d.job.gate}
		if ready != nil {
			next := earlyBytes
			c.ready = func(n int) {
				if n >= next && n < b.Length {
					next = n + earlyBytes
					ready(c.data[:n])
				}
			}
		}
		var err error
		data, symbols, err = d.code(ctx, m, c, b, dst)
		m.addProfile(&c.profile)
		if err != nil {
			return nil, err
		}
	}
	if archive.Checksum(data) != b.Sum {
		what := "the decoded content differs from the original although the archive's data is intact: the model here computes something else"
		if b.Kind == archive.Stored {
			what = "the stored content differs from the original"
		}
		return nil, &archive.Error{Block: n, What: what, Class: ErrChecksum}
	}
	m.set(int64(len(data)), int64(len(payload)), int64(symbols), m.profile)
	return data, nil
}

// code decodes a coded block. It returns the content and the number of symbols.
func (d *blockDecoder) code(ctx context.Context, m *blockMeter, c *blockCodec, b *archive.Block, dst []byte) ([]byte, int, error) {
	fail := func(class error, what string) ([]byte, int, error) {
		return nil, 0, &archive.Error{Block: m.block, What: what, Class: class}
	}
	symbols := b.Length
	tm, tokens := asTokens(d.model)
	if tokens {
		symbols = b.Symbols
		c.tokens = make([]int32, symbols)
		c.ready = nil // their bytes come at the end
	} else {
		c.data = room(dst, b.Length)[:b.Length]
	}
	if d.header.Mixer != 0 {
		kind := mixer.Kind(b.MixerKind)
		if kind > mixer.Binary {
			return fail(ErrUnsupported, fmt.Sprintf("mixer block kind %d: use a newer program", kind))
		}
		version := int(d.header.Mixer)
		c.stretches = stretched(d.header.Mixer, d.header.Model, b.Lanes)
		var err error
		if tokens {
			c.mixer, err = d.vocabularies.newTokenMixer(c.coder, mixer.Config{Version: version, BlockLen: b.Length, Lanes: b.Lanes, Kind: kind}, tm, nil)
		} else {
			c.mixer, err = newMixer(mixer.Config{Version: version, Lanes: b.Lanes, Kind: kind, Model: d.model != nil, Stretches: c.stretches, History: c.data})
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if b.ProbeSteps > 0 && d.model != nil {
		c.probe, c.probeSteps = sha256.New(), b.ProbeSteps
		c.checkProbe = func() error {
			if got := c.probeSum(); got != b.Probe {
				ref := modelRef(d.header.Model)
				return &MismatchError{Block: m.block, Want: ref, Have: d.model.Info().Ref, Probed: true}
			}
			return nil
		}
	}
	c.monitor = func(done int) error {
		m.set(int64(b.Length)*int64(done)/int64(symbols), int64(c.coder.Size()), int64(done), c.live())
		return nil
	}
	if err := c.run(ctx); err != nil {
		if errors.Is(err, errOverrun) {
			return fail(ErrCorrupt, "its coded data ends too early")
		}
		var mismatch *MismatchError
		if errors.As(err, &mismatch) {
			return nil, 0, err
		}
		return nil, 0, blockError(ctx, m.block, err)
	}
	if _, err := c.coder.Finish(); err != nil {
		return fail(ErrCorrupt, err.Error())
	}
	if !tokens {
		return c.data, symbols, nil
	}
	start := time.Now()
	total := 0
	for _, t := range c.tokens {
		if total += len(tm.TokenBytes(t)); total > b.Length {
			return fail(ErrChecksum, "its tokens have more bytes than the original: the model here computes something else")
		}
	}
	data := room(dst, total)
	for _, t := range c.tokens {
		data = append(data, tm.TokenBytes(t)...)
	}
	c.profile[StageTokenize] += time.Since(start)
	return data, symbols, nil
}

// room returns an empty slice with room for n bytes, dst's if it has that. New memory is
// not touched: of a block that claims to be large, only what is decoded takes any.
func room(dst []byte, n int) []byte {
	if cap(dst) >= n {
		return dst[:0]
	}
	return make([]byte, 0, n)
}

// checkMember refuses members that this program cannot decode.
func checkMember(h *archive.Header) error {
	if h.Mixer > mixerVersion {
		return &archive.Error{Block: -1, What: fmt.Sprintf("mixer version %d, this program has %d: use a newer one", h.Mixer, mixerVersion), Class: ErrUnsupported}
	}
	return nil
}
