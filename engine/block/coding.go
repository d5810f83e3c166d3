package block

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/profile"
)

// A coding is the coding of the symbols of one block, in either direction.
type coding struct {
	coder coder
	// model predicts and mixer mixes; at least one of them is set.
	model predict.Model
	mixer byteMixer
	// words is the mixer, where the model is one of tokens.
	words tokenMixer

	// Exactly one of the following holds the block's symbols: to be encoded, or space
	// for what is decoded.
	data   []byte
	tokens []int32

	// known tells that these are the symbols to be encoded.
	known bool

	lanes   int
	threads func() int
	// stretches, if set, says how the block is cut into stretches.
	stretches stretcher
	// rester, if set, says which bytes of the only lane are coded with the model; resting
	// tells that the next one is not.
	rester  *rester
	resting bool
	// ready, if set, is called when the block's first n bytes are final.
	ready func(n int)
	gate  *gate.Gate // holds the steps while it is closed; may be nil

	// probe, if set, hashes the frequencies of the first probeSteps steps, and
	// checkProbe is called after them.
	probe      hash.Hash
	probeSteps int
	checkProbe func() error

	// watch, if set, is told what each symbol costs by the meter.
	watch Watcher
	meter *meter

	// left, if set, is called with the number of symbols done when the model is left that has
	// coded all of them, and has not been worth it.
	left func(done int) error

	// worth is what stretches with the model have cost, and would have cost without it, and
	// their bytes.
	worth struct {
		mixed, alone uint64
		bytes        int
	}

	// monitor, if set, is called every now and then with the number of symbols done. The
	// calls depend on the block only, not on time.
	monitor func(done int) error

	// bare is what the model alone would have cost, in 1/256 bit, where it is mixed.
	bare uint64

	steps   int              // so far
	base    int              // symbols in the stretches so far
	next    int              // number of symbols at which monitor is called next
	session predict.Session  // of the stretch, nil without a model
	feed    *tokenFeed       // nil unless symbols are tokens
	prev    []int32          // the symbols last coded, by lane
	spent   [2]time.Duration // by the sessions so far, on inference and updates
	profile profile.Profile  // without the sessions' stages, until run has ended
	samples samples
}

// errOverrun means that a decoder needed more coded data than there is.
var errOverrun = errors.New("coded data ends too early")

// monitorSymbols is the number of symbols between two calls of a monitor, unless
// a single step has more.
const monitorSymbols = 32

// run codes all symbols: as one stretch, or in several with or without the model.
func (c *coding) run(ctx context.Context) (err error) {
	n := len(c.data) + len(c.tokens)
	c.samples = samples{at: time.Now()}
	var cancelled atomic.Bool
	defer context.AfterFunc(ctx, func() { cancelled.Store(true) })()
	defer func() {
		c.profile[profile.StageInfer] += c.spent[0]
		c.profile[profile.StageUpdate] += c.spent[1]
	}()
	c.next = monitorSymbols
	if c.meter != nil {
		c.meter.take() // what came before the symbols
	}
	if c.stretches == nil {
		err = c.stretch(ctx, n, c.lanes, c.model, &cancelled)
	} else {
		for !c.stretches.ended() && err == nil {
			size, count := c.stretches.next()
			if count == 0 && c.left != nil {
				if !worth(c.worth.mixed, c.worth.alone) {
					if err := c.left(c.base); err != nil {
						return err
					}
				}
				c.left = nil
			}
			c.mixer.Begin(c.base+size, count)
			if count == 0 {
				err = c.stretch(ctx, size, 1, nil, &cancelled)
				continue
			}
			err = c.stretch(ctx, size, count, c.model, &cancelled)
			c.stretches.judge()
			mixed, alone := c.mixer.Worth()
			c.worth.mixed, c.worth.alone, c.worth.bytes = c.worth.mixed+mixed, c.worth.alone+alone, c.worth.bytes+size
		}
	}
	if err != nil {
		return err
	}
	c.samples.infer, c.samples.update = c.times()
	c.addSample(time.Now(), c.steps)
	return nil
}

// stretch takes the step that both directions share, until the next n symbols are
// coded: the model, if there is one, sees the symbols just coded, one per lane; then lane
// after lane, the next symbols are coded with what it predicts.
//
// The lanes are those of lanes.Cut.
func (c *coding) stretch(ctx context.Context, n, count int, model predict.Model, cancelled *atomic.Bool) (err error) {
	cut := lanes.Cut{Symbols: n, Lanes: count}
	if err := c.open(ctx, model, cut); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	for step, done := 0, c.base; step < cut.Steps(); step++ {
		active := cut.Active(step)
		c.prev = c.prev[:active]
		switch {
		case c.rester != nil:
			on, err := c.rester.step(c.session, c.data, step)
			if err != nil {
				return err
			}
			c.resting = !on
		case c.session != nil:
			if err := c.session.Step(c.prev); err != nil {
				return err
			}
		}
		if c.probe != nil && step < c.probeSteps {
			c.hashFreqs()
		}
		if c.feed != nil {
			c.feed.begin(active)
		}
		timed := step%sampleSteps == 0
		if timed {
			c.codeTimed(step, cut)
		} else {
			c.codeLanes(step, cut)
		}
		if c.feed != nil {
			c.feed.end()
		}
		done += active
		c.steps++
		if timed {
			c.addSample(time.Now(), c.steps)
		}
		if step+1 == c.probeSteps && c.checkProbe != nil {
			if err := c.checkProbe(); err != nil {
				return err
			}
		}
		if cancelled.Load() {
			return ctx.Err()
		}
		if err := c.gate.Wait(ctx); err != nil {
			return err
		}
		if done >= c.next {
			c.next = done + monitorSymbols
			if c.coder.Truncated() {
				return errOverrun
			}
			if c.monitor != nil {
				if err := c.monitor(done); err != nil {
					return err
				}
			}
			if count == 1 && c.ready != nil {
				c.ready(done)
			}
		}
	}
	c.base += n
	if c.ready != nil && !c.coder.Truncated() {
		c.ready(c.base)
	}
	return nil
}

// codeLanes codes the next symbol of the active lanes.
func (c *coding) codeLanes(step int, cut lanes.Cut) {
	short, long := cut.Symbols/cut.Lanes, cut.Symbols%cut.Lanes // worked out once: this is the innermost loop
	for lane := range c.prev {
		var freqs []uint32
		var total uint32
		switch {
		case c.feed != nil:
			freqs, total = c.feed.get(lane)
		case c.session != nil && !c.resting:
			freqs, total = c.session.Freqs(lane)
		}
		pos := c.base + lane*short + min(lane, long) + step
		switch {
		case c.words != nil:
			s := c.words.CodeToken(c.coder, lane, freqs, c.tokens[pos])
			c.tokens[pos] = s
			c.prev[lane] = s
		case c.mixer != nil:
			b := c.mixer.Code(c.coder, lane, freqs, total, c.data[pos])
			if total > 0 {
				c.bare += bitCost(freqs[b], total)
			}
			c.data[pos] = b
			c.prev[lane] = int32(b)
		case c.tokens != nil:
			s := int32(c.coder.Symbol(freqs, total, int(c.tokens[pos])))
			c.tokens[pos] = s
			c.prev[lane] = s
		default:
			s := c.coder.Symbol(freqs, total, int(c.data[pos]))
			c.data[pos] = byte(s)
			c.prev[lane] = int32(s)
		}
		if c.watch != nil {
			c.watch.Symbol(pos, freqs, total, c.prev[lane], c.meter.take())
		}
	}
}

// bitCost returns the cost of a symbol of frequency freq, at least 1, of total in
// 1/256 bit: log2(total/freq), linear between powers of two, which is at most 0.09 bits
// too low.
func bitCost(freq, total uint32) uint64 {
	q := uint64(total) << 8 / uint64(freq)
	n := uint(bits.Len64(q)) - 1
	return uint64(n)<<8 + q<<8>>n&255 - 8<<8
}

// hashFreqs adds the frequencies of the active lanes to the probe.
func (c *coding) hashFreqs() {
	var buf [4096]byte
	for lane := range c.prev {
		freqs, _ := c.session.Freqs(lane)
		for len(freqs) > 0 {
			n := min(len(freqs), len(buf)/4)
			for j, f := range freqs[:n] {
				binary.LittleEndian.PutUint32(buf[4*j:], f)
			}
			c.probe.Write(buf[:4*n])
			freqs = freqs[n:]
		}
	}
}

// probeSum returns the probe as archives keep it.
func (c *coding) probeSum() (sum [8]byte) {
	copy(sum[:], c.probe.Sum(make([]byte, 0, sha256.Size)))
	return sum
}

// open starts a session of model, if there is one, for the lanes of a stretch.
func (c *coding) open(ctx context.Context, model predict.Model, cut lanes.Cut) error {
	c.prev = make([]int32, cut.Lanes)
	if model == nil {
		return nil
	}
	for i := range c.prev {
		c.prev[i] = predict.Start
	}
	var err error
	threads := useful(model, cut.Lanes, c.threads())
	c.session, err = model.NewSession(ctx, predict.SessionOptions{Lanes: cut.Lanes, Threads: threads, MaxSteps: cut.Steps()})
	if err != nil {
		return err
	}
	if f, ok := c.session.(predict.Foreseer); ok && c.known && c.rester == nil {
		f.Foresee(c.symbols(cut))
	}
	if c.tokens != nil {
		c.feed = newTokenFeed(c.session, c.words, cut.Lanes, threads)
	}
	return nil
}

// useful returns how many of so many threads m makes use of in a session with that many lanes.
func useful(m predict.Model, lanes, threads int) int {
	if most := m.Preferences(lanes).Threads; most > 0 {
		return min(threads, most)
	}
	return threads
}

// symbols returns the block's next symbols, which are known.
func (c *coding) symbols(cut lanes.Cut) predict.Known {
	from, to := c.base, c.base+cut.Symbols
	if c.tokens != nil {
		return predict.KnownLanes(lanes.Split(c.tokens[from:to], cut.Lanes))
	}
	return predict.KnownLanes(lanes.Split(c.data[from:to], cut.Lanes))
}

// close ends the session and keeps its times.
func (c *coding) close() error {
	if c.session == nil {
		return nil
	}
	if c.feed != nil {
		c.feed.close()
	}
	c.spent[0], c.spent[1] = c.times()
	s := c.session
	c.session, c.feed = nil, nil
	return s.Close()
}
