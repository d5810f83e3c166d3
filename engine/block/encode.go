package block

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/mixer/rich"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/profile"
	"github.com/llmz/llmz/engine/rangecoder"
)

// probeSteps is the number of steps whose frequencies are hashed into archives
// of models that are not exact.
const probeSteps = 8

// errIncompressible ends the coding of a block that is better stored.
var errIncompressible = errors.New("block does not compress")

// A Source is a block to be encoded.
type Source struct {
	Number int
	Data   []byte // at least one byte
	// Only says that it is all of the content.
	Only   bool
	Report Reporter
	Watch  Watcher // may be nil
}

// Encoded is a block as an archive holds it.
type Encoded struct {
	Header  archive.Block
	Payload []byte
	// Without is why the block was coded without the model, where it could not be coded
	// with it.
	Without error

	// doubtful is true where a good part was coded in stretches with a model that saved less in them
	// than the lanes may have cost, which the mixer alone does without.
	doubtful bool

	// alone is true where the model was left out: the mixer did as well without.
	alone bool

	// mixer is the mixer's version where another than the header's did better, else 0.
	mixer uint8

	// early is true where the model of a single lane rested as soon as it was judged.
	early bool

	// kept is the way of coding that a Watcher keeps the costs of: the smallest one, though
	// naming the model may take more than it saves.
	kept int

	// bare is the number of bytes that the model alone would have needed, where it was
	// mixed, else 0.
	bare int64
}

// Encode encodes a block.
func (c *Codec) Encode(ctx context.Context, s *Source) (Encoded, error) {
	encode := c.encode
	if s.Only {
		encode = c.encodeOnly
	}
	out, err := encode(ctx, s)
	if err != nil {
		return Encoded{}, blockError(ctx, s.Number, err)
	}
	if s.Watch != nil {
		s.Watch.Keep(out.kept, len(s.Data))
	}
	return out, nil
}

// encode encodes a block in one way, or stores it.
func (c *Codec) encode(ctx context.Context, s *Source) (Encoded, error) {
	out := Encoded{Header: archive.Block{Kind: archive.Coded, Length: len(s.Data), Sum: archive.Checksum(s.Data)}}
	err := c.hopeless(ctx, s)
	if err == nil {
		err = c.code(ctx, s, &out)
	}
	switch {
	case err == nil && len(out.Payload) >= len(s.Data):
		err = errIncompressible
	case errors.Is(err, predict.ErrNoToken):
		out.Without, err = err, errIncompressible
	}
	if errors.Is(err, errIncompressible) {
		without := out.Without
		out, err = stored(s.Data, out.Header.Sum), nil
		out.Without = without
		s.Report.Progress(int64(len(s.Data)), int64(len(s.Data)), 0, profile.Profile{})
	}
	return out, err
}

// stored returns a block of data, with its checksum, as it is.
func stored(data []byte, sum uint32) Encoded {
	return Encoded{Header: archive.Block{Kind: archive.Stored, Length: len(data), Sum: sum}, Payload: data, kept: AsIs}
}

// code fills in out.
func (c *Codec) code(ctx context.Context, s *Source, out *Encoded) error {
	data, b := s.Data, &out.Header
	var plan content.Plan
	if c.rich() {
		plan = content.Detect(data)
		if plan.Changes() {
			data = bytes.Clone(data)
			plan.Apply(data)
		}
	}
	rc, m := watched(rangecoder.NewEncoder(make([]byte, 0, len(data)/4+64)), s.Watch)
	x := &coding{coder: rc, meter: m, watch: s.Watch, model: c.Model, known: true, threads: c.Threads, gate: c.Gate}
	defer func() { s.Report.Spent(&x.profile) }()
	symbols := len(data)
	if tm, ok := Tokens(c.Model); ok {
		start := time.Now()
		tokens, err := tm.Tokenize(ctx, data)
		x.profile[profile.StageTokenize] += time.Since(start)
		if err != nil {
			return err
		}
		if len(tokens) == 0 || len(tokens) > len(data) {
			return fmt.Errorf("model %s cut %d bytes into %d tokens", c.Info().Name, len(data), len(tokens))
		}
		symbols = len(tokens)
		x.tokens = tokens
		b.Symbols = symbols
	} else {
		x.data = data
	}
	b.Lanes = Lanes(c.Model, c.mixed(), c.Lanes, symbols)
	if c.Lanes == 0 && c.Model != nil && Rests(c.Header, 1) {
		// Lanes cost most where much comes again, and there is least to do for the model.
		if few := c.Model.Preferences(b.Lanes).FewLanes; few > 0 && Repetitive(data) {
			b.Lanes = min(b.Lanes, few)
		}
	}
	x.lanes = b.Lanes
	s.Report.Begin(c.Info(), b.Lanes, c.mixed())
	if s.Watch != nil {
		s.Watch.Begin(c.Model, symbols, x.tokens)
	}
	switch {
	case c.rich():
		b.MixerKind = uint8(rich.Ways(plan))
		if err := c.mixRich(x, len(data), plan, x.tokens); err != nil {
			return err
		}
	case c.mixed():
		kind := mixer.Detect(data)
		b.MixerKind = uint8(kind)
		if err := c.mix(x, len(data), kind, x.tokens); err != nil {
			return err
		}
	}
	if c.Model != nil && !c.Info().Exact() {
		x.probe = sha256.New()
		x.probeSteps = min(probeSteps, lanes.Cut{Symbols: symbols, Lanes: b.Lanes}.Steps())
	}
	try := tryLength(data, x.lanes >= 8 && x.stretches == nil)
	if s.Only {
		x.left = func(done int) error {
			if try <= fewRandom && x.coder.Size() > done-done/64 {
				return errIncompressible // the mixer alone would take long for hardly anything
			}
			return useless(len(data), done, x.stretches.hope(data[done:]))
		}
	}
	x.monitor = func(done int) error {
		bytes := int64(len(data)) * int64(done) / int64(symbols)
		size := int64(x.coder.Size())
		s.Report.Progress(bytes, size, int64(done), x.live())
		if size > bytes && bytes >= try {
			return errIncompressible
		}
		return nil
	}
	if err := x.run(ctx); err != nil {
		return err
	}
	payload, err := x.coder.Finish()
	if err != nil {
		return err
	}
	if c.rich() {
		payload = append(plan.Append(nil), payload...)
	}
	if x.probe != nil {
		b.Probe, b.ProbeSteps = x.probeSum(), x.probeSteps
	}
	if s.Watch != nil {
		s.Watch.End(x.tokens)
	}
	s.Report.Progress(int64(len(data)), int64(len(payload)), int64(symbols), x.profile)
	if w := &x.worth; 8*w.bytes >= len(data) {
		// Lanes may cost what the model saves: a twelfth, where much comes again.
		out.doubtful = 16*w.mixed > 15*w.alone || 12*w.mixed > 11*w.alone && Repetitive(data)
	}
	out.early = x.rester != nil && x.rester.early
	out.Payload, out.bare = payload, int64(x.bare/(8*256))
	return nil
}

// mixedLanes bounds the lanes of byte models' blocks that are mixed. The mixer learns
// from lanes in turn, so that more of them cost more than the model's own start does;
// ggml/NUMERICS.md has the measurements.
const mixedLanes = 8

// Lanes returns the number of lanes of a block of n symbols, where so many are asked for; 0
// for a default.
func Lanes(m predict.Model, mixed bool, asked, n int) int {
	switch {
	case asked > 0:
	case m == nil:
		// The mixer alone has no matrix products that lanes would make cheaper, and sees
		// most context with one.
		asked = 1
	case mixed && m.Info().Kind == predict.Bytes:
		asked = min(m.Lanes(n), mixedLanes)
	default:
		asked = m.Lanes(n)
	}
	return min(max(asked, 1), n, archive.MaxLanes)
}
