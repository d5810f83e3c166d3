package block

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/mixer/rich"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/profile"
	"github.com/llmz/llmz/engine/rangecoder"
)

// earlyBytes is the least that comes out of a block before all of it is decoded: so what
// is short has been checked when it comes.
const earlyBytes = 64 << 10

// A Target is a block to be decoded.
type Target struct {
	Number  int
	Header  *archive.Block
	Payload []byte
	// Buf is memory for the content, which grows as needed.
	Buf []byte
	// Ready, if set, is called with more and more of the content, as far as it is known,
	// before it has been checked.
	Ready  func([]byte)
	Report Reporter
	Watch  Watcher // may be nil
}

// Decode decodes a block and checks the content. That of a stored block is the payload
// itself.
func (c *Codec) Decode(ctx context.Context, t *Target) ([]byte, error) {
	b := t.Header
	data, symbols := t.Payload, 0
	kept := AsIs
	if b.Kind != archive.Stored {
		var err error
		kept = 0
		if data, symbols, err = c.decode(ctx, t); err != nil {
			return nil, err
		}
	}
	if archive.Checksum(data) != b.Sum {
		what := "the decoded content differs from the original although the archive's data is intact: the model here computes something else"
		if b.Kind == archive.Stored {
			what = "the stored content differs from the original"
		}
		return nil, &archive.Error{Block: t.Number, What: what, Class: archive.ErrChecksum}
	}
	t.Report.Progress(int64(len(data)), int64(len(t.Payload)), int64(symbols), profile.Profile{})
	if t.Watch != nil {
		t.Watch.Keep(kept, len(data))
	}
	return data, nil
}

// decode decodes a coded block. It returns the content and the number of symbols.
func (c *Codec) decode(ctx context.Context, t *Target) ([]byte, int, error) {
	b := t.Header
	fail := func(class error, what string) ([]byte, int, error) {
		return nil, 0, &archive.Error{Block: t.Number, What: what, Class: class}
	}
	payload := t.Payload
	var plan content.Plan
	if c.rich() {
		var err error
		if plan, payload, err = content.Parse(payload, b.Length); err != nil || rich.Ways(plan) != int(b.MixerKind) {
			return fail(archive.ErrCorrupt, "the list of what it contains is damaged")
		}
	}
	rc, m := watched(rangecoder.NewDecoder(payload), t.Watch)
	x := &coding{coder: rc, meter: m, watch: t.Watch, model: c.Model, threads: c.Threads, lanes: b.Lanes, gate: c.Gate}
	defer func() { t.Report.Spent(&x.profile) }()
	if t.Ready != nil {
		x.ready = early(b.Length, t.Ready, func() []byte { return x.data }, plan)
	}
	symbols := b.Length
	tm, tokens := Tokens(c.Model)
	if tokens {
		symbols = b.Symbols
		x.tokens = make([]int32, symbols)
		x.ready = nil // their bytes come at the end
	} else {
		x.data = room(t.Buf, b.Length)[:b.Length]
	}
	if t.Watch != nil {
		t.Watch.Begin(c.Model, symbols, nil)
	}
	switch {
	case c.rich():
		if err := c.mixRich(x, b.Length, plan, nil); err != nil {
			return nil, 0, err
		}
	case c.mixed():
		kind := mixer.Kind(b.MixerKind)
		if kind > mixer.Binary {
			return fail(archive.ErrUnsupported, fmt.Sprintf("mixer block kind %d: use a newer program", kind))
		}
		if err := c.mix(x, b.Length, kind, nil); err != nil {
			return nil, 0, err
		}
	}
	if b.ProbeSteps > 0 && c.Model != nil {
		x.probe, x.probeSteps = sha256.New(), b.ProbeSteps
		x.checkProbe = func() error {
			if got := x.probeSum(); got != b.Probe {
				return &MismatchError{Block: t.Number, Want: Ref(c.Header.Model), Have: c.Info().Ref, Probed: true}
			}
			return nil
		}
	}
	x.monitor = func(done int) error {
		t.Report.Progress(int64(b.Length)*int64(done)/int64(symbols), int64(x.coder.Size()), int64(done), x.live())
		return nil
	}
	if err := x.run(ctx); err != nil {
		if errors.Is(err, errOverrun) {
			return fail(archive.ErrCorrupt, "its coded data ends too early")
		}
		var mismatch *MismatchError
		if errors.As(err, &mismatch) {
			return nil, 0, err
		}
		return nil, 0, blockError(ctx, t.Number, err)
	}
	if _, err := x.coder.Finish(); err != nil {
		return fail(archive.ErrCorrupt, err.Error())
	}
	if t.Watch != nil {
		t.Watch.End(x.tokens)
	}
	data := x.data
	if tokens {
		start := time.Now()
		defer func() { x.profile[profile.StageTokenize] += time.Since(start) }()
		var ok bool
		if data, ok = joined(tm, x.tokens, t.Buf, b.Length); !ok {
			return fail(archive.ErrChecksum, "its tokens have more bytes than the original: the model here computes something else")
		}
		if len(data) != b.Length {
			return data, symbols, nil // not what the plan is of; the checksum says so
		}
	}
	plan.Undo(data)
	return data, symbols, nil
}

// joined returns the bytes of tokens in dst's memory, unless they are more than n.
func joined(tm predict.TokenModel, tokens []int32, dst []byte, n int) ([]byte, bool) {
	total := 0
	for _, t := range tokens {
		if total += len(tm.TokenBytes(t)); total > n {
			return nil, false
		}
	}
	data := room(dst, total)
	for _, t := range tokens {
		data = append(data, tm.TokenBytes(t)...)
	}
	return data, true
}

// early returns what is to be called when the first bytes of a block of n are known, which
// calls ready with them, a good many at a time. Where the plan changes content, it is given
// back as it was, in memory of its own: what has been coded is still needed as it is.
func early(n int, ready func([]byte), data func() []byte, plan content.Plan) func(known int) {
	next := earlyBytes
	var r *content.Restorer
	var restored []byte
	if plan.Changes() {
		r = content.NewRestorer(plan)
	}
	return func(known int) {
		if known < next || known >= n {
			return
		}
		next = known + earlyBytes
		if r == nil {
			ready(data()[:known])
			return
		}
		if restored == nil {
			restored = make([]byte, n)
		}
		ready(restored[:r.Next(restored, data(), known)])
	}
}

// room returns an empty slice with room for n bytes, dst's if it has that. New memory is
// not touched: of a block that claims to be large, only what is decoded takes any.
func room(dst []byte, n int) []byte {
	if cap(dst) >= n {
		return dst[:0]
	}
	return make([]byte, 0, n)
}
