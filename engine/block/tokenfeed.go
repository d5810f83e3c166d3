package block

import (
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/engine/predict"
)

// A tokenFeed gets the predictions of a step's lanes ready for coding. With
// vocabularies of tens of thousands of tokens and a mixer that takes as long as the
// coding: so a helper works ahead, in the order of the lanes, while the first ones are
// coded. What is coded does not depend on who did what.
type tokenFeed struct {
	session predict.Session
	mixer   tokenMixer // nil where none mixes

	count int
	next  atomic.Int32 // the first lane that nobody has taken up
	mine  []bool       // lanes that get made ready
	done  []chan struct{}
	start chan struct{} // nil without a helper
	idle  chan struct{}

	spent time.Duration // by the coder's goroutine, waiting included
}

// BareLanes is the number of lanes from which a helper pays without a mixer. To wake
// it and wait for it takes longer than the frequencies of a few lanes.
const BareLanes = 64

// newTokenFeed makes a feed for a session of so many lanes, with a helper if there
// is more than one thread and enough to do.
func newTokenFeed(s predict.Session, m tokenMixer, lanes, threads int) *tokenFeed {
	f := &tokenFeed{session: s, mixer: m, mine: make([]bool, lanes)}
	if threads < 2 || lanes < 2 || m == nil && lanes < BareLanes {
		return f
	}
	f.done = make([]chan struct{}, lanes)
	for i := range f.done {
		f.done[i] = make(chan struct{}, 1)
	}
	f.start, f.idle = make(chan struct{}), make(chan struct{}, 1)
	go func() {
		for range f.start {
			for lane := f.claim(); lane >= 0; lane = f.claim() {
				f.prepare(lane)
				f.done[lane] <- struct{}{}
			}
			f.idle <- struct{}{}
		}
	}()
	return f
}

// begin starts on the first count lanes, after the session's step.
func (f *tokenFeed) begin(count int) {
	f.count = count
	f.next.Store(0)
	clear(f.mine)
	if f.start != nil {
		f.start <- struct{}{}
	}
}

// claim returns a lane that nobody has taken up, -1 where there is none.
func (f *tokenFeed) claim() int {
	if i := int(f.next.Add(1)) - 1; i < f.count {
		return i
	}
	return -1
}

func (f *tokenFeed) prepare(lane int) {
	freqs, _ := f.session.Freqs(lane)
	if f.mixer != nil {
		f.mixer.PrepareToken(lane, freqs)
	}
}

// get returns a lane's frequencies when everything is ready for coding with them.
// Lanes are asked for in order, each once.
func (f *tokenFeed) get(lane int) ([]uint32, uint32) {
	start := time.Now()
	for !f.mine[lane] {
		if f.start != nil {
			select {
			case <-f.done[lane]:
				f.mine[lane] = true
				continue
			default:
			}
		}
		// Rather than wait, get another lane ready.
		if c := f.claim(); c >= 0 {
			f.prepare(c)
			f.mine[c] = true
			continue
		}
		<-f.done[lane]
		f.mine[lane] = true
	}
	freqs, total := f.session.Freqs(lane)
	f.spent += time.Since(start)
	return freqs, total
}

// end returns when the helper has left the step's lanes.
func (f *tokenFeed) end() {
	if f.start != nil {
		<-f.idle
	}
}

// close ends the helper; between steps only.
func (f *tokenFeed) close() {
	if f.start != nil {
		close(f.start)
	}
}
