package block

import (
	"sync"
	"time"

	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/profile"
	"github.com/llmz/llmz/engine/rangecoder"
)

// sampleSteps is the number of steps of which one is timed.
const sampleSteps = 16

// samples is what timed steps tell about the steps before them.
type samples struct {
	coding, mixing time.Duration // of the latest timed step
	infer, update  time.Duration // the session's times as of it

	at    time.Time     // when it was counted
	steps int           // how many were counted
	own   time.Duration // the session's times then
}

// times returns what the session's stages have taken so far.
func (c *coding) times() (infer, update time.Duration) {
	infer, update = c.spent[0], c.spent[1]
	if c.session == nil {
		return infer, update
	}
	i, u := c.session.StageTimes()
	infer += time.Duration(i)
	update += time.Duration(u)
	if c.feed != nil {
		update += c.feed.spent
	}
	return infer, update
}

// codeTimed is codeLanes with its time taken, less what the session counts as its
// own.
func (c *coding) codeTimed(step int, cut lanes.Cut) {
	infer, update := c.times()
	start := time.Now()
	c.codeLanes(step, cut)
	spent := time.Since(start)
	s := &c.samples
	s.infer, s.update = c.times()
	spent = max(0, spent-(s.infer+s.update-infer-update))
	s.coding = spent
	if c.mixer != nil {
		// The coder's part is too short to be timed on its own.
		s.coding = min(spent, time.Duration(len(c.prev))*byteCodingTime())
	}
	s.mixing = spent - s.coding
}

// addSample adds to the profile what the steps up to the given one, of which the latest
// timed one is a sample, took since the last call. That is never more than the time that
// passed, even if the sample was held up.
func (c *coding) addSample(now time.Time, step int) {
	s := &c.samples
	own := s.infer + s.update
	passed := max(0, now.Sub(s.at)-(own-s.own))
	n := time.Duration(step - s.steps)
	coding, mixing := s.coding*n, s.mixing*n
	if both := coding + mixing; both > passed {
		coding = time.Duration(float64(coding) * float64(passed) / float64(both))
		mixing = passed - coding
	}
	c.profile[profile.StageCode] += coding
	c.profile[profile.StageMix] += mixing
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
func (c *coding) live() profile.Profile {
	p := c.profile
	p[profile.StageInfer] += c.samples.infer
	p[profile.StageUpdate] += c.samples.update
	return p
}
