package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rangecoder"
)

// blockCodec codes the symbols of one block, in either direction.
type blockCodec struct {
	coder *rangecoder.Coder
	// model predicts and mixer mixes; at least one of them is set.
	model predict.Model
	mixer *mixer.Mixer

	// Exactly one of the following holds the block's symbols: to be encoded, or space
	// for what is decoded.
	data   []byte
	tokens []int32

	lanes   int
	threads int
	gate    *gate.Gate // holds the steps while it is closed; may be nil

	// probe, if set, hashes the frequencies of the first probeSteps steps, and
	// checkProbe is called after them.
	probe      hash.Hash
	probeSteps int
	checkProbe func() error

	// monitor, if set, is called every now and then with the number of symbols done. The
	// calls depend on the block only, not on time.
	monitor func(done int) error

	// bare is what the model alone would have cost, in 1/256 bit, where it is mixed.
	bare uint64

	steps   int
	groups  []group
	profile Profile // without the sessions' stages, until run has ended
	samples samples
}

// errOverrun means that a decoder needed more coded data than there is.
var errOverrun = errors.New("coded data ends too early")

// monitorSymbols is the number of symbols between two calls of a monitor, unless
// a single step has more.
const monitorSymbols = 32

// sampleSteps is the number of steps of which one is timed.
const sampleSteps = 16

// group is a part of the lanes with a session of its own. While one group's
// symbols are coded, the other's model runs.
type group struct {
	session      predict.Session // nil without a model
	feed         *tokenFeed      // nil unless symbols are tokens
	first, count int             // lanes
	prev         []int32
	req          chan []int32 // nil: Step runs when it is waited for
	res          chan error

	infer, update int64 // the session's times as of the last timed step
}

// run takes the step that both directions share, until all symbols are coded:
// the model sees the symbols just coded, one per lane; then lane after lane, the
// next symbols are coded with what it predicts.
//
// Lanes are contiguous and differ in length by at most one, longer ones first, so
// that the lanes active in a step are always the first ones.
func (c *blockCodec) run(ctx context.Context) (err error) {
	n := len(c.data) + len(c.tokens)
	short, long := n/c.lanes, n%c.lanes
	steps := short
	if long > 0 {
		steps++
	}
	c.steps = steps
	groups, err := c.newGroups(ctx, steps)
	if err != nil {
		return err
	}
	c.groups = groups
	c.samples = samples{at: time.Now()}
	defer func() { err = errors.Join(err, c.closeGroups(groups)) }()
	var cancelled atomic.Bool
	defer context.AfterFunc(ctx, func() { cancelled.Store(true) })()

	for i := range groups {
		groups[i].launch(groups[i].count)
	}
	next := monitorSymbols
	for step, done := 0, 0; step < steps; step++ {
		active, following := c.lanes, c.lanes
		if step == short {
			active = long
		}
		if step+1 >= short {
			following = long
		}
		if step+1 == steps {
			following = 0
		}
		timed := step%sampleSteps == 0
		for i := range groups {
			g := &groups[i]
			count := min(max(active-g.first, 0), g.count)
			if count == 0 {
				continue
			}
			if err := g.wait(); err != nil {
				return err
			}
			if c.probe != nil && step < c.probeSteps {
				c.hashFreqs(g, count)
			}
			if g.feed != nil {
				g.feed.begin(count)
			}
			if timed {
				c.codeTimed(g, count, step, short, long)
			} else {
				c.codeLanes(g, count, step, short, long)
			}
			if g.feed != nil {
				g.feed.end()
			}
			if k := min(max(following-g.first, 0), g.count); k > 0 {
				g.launch(k)
			}
		}
		done += active
		if timed {
			c.addSample(time.Now(), step+1)
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
		if done >= next {
			next = done + monitorSymbols
			if c.coder.Truncated() {
				return errOverrun
			}
			if c.monitor != nil {
				if err := c.monitor(done); err != nil {
					return err
				}
			}
		}
	}
	for i := range groups {
		groups[i].infer, groups[i].update = groups[i].times()
	}
	c.addSample(time.Now(), steps)
	return nil
}

// codeLanes codes the next symbol of the first count lanes of g.
func (c *blockCodec) codeLanes(g *group, count, step, short, long int) {
	for i := range count {
		var freqs []uint32
		var total uint32
		switch {
		case g.feed != nil:
			freqs, total = g.feed.get(i)
		case g.session != nil:
			freqs, total = g.session.Freqs(i)
		}
		lane := g.first + i
		pos := lane*short + min(lane, long) + step
		switch {
		case c.mixer != nil && c.tokens != nil:
			s := c.mixer.CodeToken(c.coder, lane, freqs, total, c.tokens[pos])
			c.tokens[pos] = s
			g.prev[i] = s
		case c.mixer != nil:
			b := c.mixer.Code(c.coder, lane, freqs, total, c.data[pos])
			if total > 0 {
				c.bare += bitCost(freqs[b], total)
			}
			c.data[pos] = b
			g.prev[i] = int32(b)
		case c.tokens != nil:
			s := int32(c.coder.Symbol(freqs, total, int(c.tokens[pos])))
			c.tokens[pos] = s
			g.prev[i] = s
		default:
			s := c.coder.Symbol(freqs, total, int(c.data[pos]))
			c.data[pos] = byte(s)
			g.prev[i] = int32(s)
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

// samples is what timed steps tell about the steps before them.
type samples struct {
	coding, mixing time.Duration // of the latest timed step

	at    time.Time     // when it was counted
	steps int           // how many were counted
	own   time.Duration // the sessions' times then
}

// codeTimed is codeLanes with its time taken, less what the session counts as its
// own.
func (c *blockCodec) codeTimed(g *group, count, step, short, long int) {
	own := func() int64 {
		g.infer, g.update = g.times()
		return g.infer + g.update
	}
	before, start := own(), time.Now()
	c.codeLanes(g, count, step, short, long)
	spent := max(0, time.Since(start)-time.Duration(own()-before))
	coding := spent
	if c.mixer != nil {
		// The coder's part is too short to be timed on its own.
		coding = min(spent, time.Duration(count)*byteCodingTime())
	}
	if g.first == 0 {
		c.samples.coding, c.samples.mixing = 0, 0
	}
	c.samples.coding += coding
	c.samples.mixing += spent - coding
}

// addSample adds to the profile what the steps up to the given one, of which the latest
// timed one is a sample, took since the last call. That is never more than the time that
// passed, even if the sample was held up.
func (c *blockCodec) addSample(now time.Time, step int) {
	s := &c.samples
	var own time.Duration
	for i := range c.groups {
		own += time.Duration(c.groups[i].infer + c.groups[i].update)
	}
	passed := now.Sub(s.at)
	if len(c.groups) == 1 { // else the models run beside it
		passed -= own - s.own
	}
	passed = max(0, passed)
	n := time.Duration(step - s.steps)
	coding, mixing := s.coding*n, s.mixing*n
	if both := coding + mixing; both > passed {
		coding = time.Duration(float64(coding) * float64(passed) / float64(both))
		mixing = passed - coding
	}
	c.profile[StageCode] += coding
	c.profile[StageMix] += mixing
	s.at, s.steps, s.own = now, step, own
}

// byteCodingTime returns what it takes to code the eight decisions of a byte, as
// measured once on this machine.
var byteCodingTime = sync.OnceValue(func() time.Duration {
	const bytes = 2048
	best := time.Duration(1<<63 - 1)
	buf := make([]byte, 0, bytes)
	for range 3 {
		c := rangecoder.NewEncoder(buf)
		start := time.Now()
		for i := range 8 * bytes {
			c.Bit(uint32(4096+i), i>>3&1)
		}
		best = min(best, time.Since(start))
	}
	return best / bytes
})

// live returns the profile as of the last timed step; only while run is at work.
func (c *blockCodec) live() Profile {
	p := c.profile
	for i := range c.groups {
		p[StageInfer] += time.Duration(c.groups[i].infer)
		p[StageUpdate] += time.Duration(c.groups[i].update)
	}
	return p
}

// hashFreqs adds the frequencies of the first count lanes of g to the probe.
func (c *blockCodec) hashFreqs(g *group, count int) {
	var buf [4096]byte
	for i := range count {
		freqs, _ := g.session.Freqs(i)
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
func (c *blockCodec) probeSum() (sum [8]byte) {
	copy(sum[:], c.probe.Sum(make([]byte, 0, sha256.Size)))
	return sum
}

// pipelined tells whether the lanes are split in two groups, so that the model runs
// on one while the mixer and the coder work on the other. It never changes the
// output of portable models: the order of coding stays the same.
func (c *blockCodec) pipelined() bool {
	return c.model != nil && c.mixer != nil && c.lanes >= 2*minGroup && c.threads >= 2 &&
		c.model.Info().Portability == predict.Portable
}

// minGroup is the fewest lanes worth a group: with fewer, the model would lose
// more by narrower products than the overlap wins.
const minGroup = 8

func (c *blockCodec) newGroups(ctx context.Context, steps int) ([]group, error) {
	if c.model == nil {
		return []group{{count: c.lanes, prev: make([]int32, c.lanes)}}, nil
	}
	parts := 1
	threads := c.threads
	if c.pipelined() {
		parts = 2
		threads = c.threads / 2 // both groups' models may run at once
	}
	groups := make([]group, 0, parts)
	first := 0
	for i := range parts {
		count := (c.lanes - first) / (parts - i)
		s, err := c.model.NewSession(ctx, predict.SessionOptions{Lanes: count, Threads: threads, MaxSteps: steps})
		if err != nil {
			return nil, errors.Join(err, c.closeGroups(groups))
		}
		g := group{session: s, first: first, count: count, prev: make([]int32, count)}
		if c.tokens != nil {
			g.feed = newTokenFeed(s, c.mixer, first, count, threads)
		}
		for j := range g.prev {
			g.prev[j] = predict.Start
		}
		if parts > 1 {
			g.req, g.res = make(chan []int32, 1), make(chan error, 1)
			go func() {
				for prev := range g.req {
					g.res <- s.Step(prev)
				}
				close(g.res)
			}()
		}
		groups = append(groups, g)
		first += count
	}
	return groups, nil
}

// launch lets the model see the symbols last coded in the first n lanes.
func (g *group) launch(n int) {
	g.prev = g.prev[:n]
	if g.req != nil {
		g.req <- g.prev
	}
}

// wait returns when the prediction after the last launch is ready.
func (g *group) wait() error {
	if g.req != nil {
		return <-g.res
	}
	if g.session == nil {
		return nil
	}
	return g.session.Step(g.prev)
}

// times returns what the session's stages have taken so far, in nanoseconds.
func (g *group) times() (infer, update int64) {
	if g.session == nil {
		return 0, 0
	}
	infer, update = g.session.StageTimes()
	if g.feed != nil {
		update += g.feed.spent.Nanoseconds()
	}
	return infer, update
}

// closeGroups ends the sessions and collects their times.
func (c *blockCodec) closeGroups(groups []group) error {
	var err error
	for i := range groups {
		g := &groups[i]
		if g.session == nil {
			continue
		}
		if g.req != nil {
			close(g.req)
			for range g.res { // a step may still be under way
			}
		}
		if g.feed != nil {
			g.feed.close()
		}
		infer, update := g.times()
		c.profile[StageInfer] += time.Duration(infer)
		c.profile[StageUpdate] += time.Duration(update)
		err = errors.Join(err, g.session.Close())
	}
	return err
}
