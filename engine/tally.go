package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/predict"
)

// A tally is what the blocks of one compression or decompression share: counters,
// the observer and the result.
type tally struct {
	dir      Direction
	observer Observer
	interval time.Duration
	begun    time.Time
	total    int64 // input bytes, -1 where unknown
	threads  int
	gate     *gate.Gate    // holds the blocks while it is closed; may be nil
	held     time.Duration // by the gate, before the job began
	first    int           // number of the block that Started tells about

	// Of blocks, finished or at work.
	bytes, coded, symbols atomic.Int64

	mu       sync.Mutex // guards the rest, and the observer
	started  bool
	last     time.Time // of the last Progress
	profile  Profile   // of finished work
	live     Profile   // of the blocks at work, as of their last report
	result   Result
	finished bool

	ratioWarned bool
}

func newTally(dir Direction, threads int, observer Observer, interval time.Duration, total int64, g *gate.Gate) *tally {
	if interval <= 0 {
		interval = 100 * time.Millisecond
	}
	if total <= 0 {
		total = -1
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	now := time.Now()
	return &tally{
		dir: dir, observer: observer, interval: interval, total: total, threads: threads, gate: g, held: g.Held(),
		begun: now, last: now, result: Result{Direction: dir, Threads: threads},
	}
}

// elapsed returns the time since the job began, pauses left out.
func (t *tally) elapsed(now time.Time) time.Duration {
	return max(0, now.Sub(t.begun)-(t.gate.Held()-t.held))
}

// start emits Started, once.
func (t *tally) start(info predict.Info, lanes int, mixed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.started {
		return
	}
	t.started = true
	t.result.Model, t.result.Lanes, t.result.Mixed = info, lanes, mixed
	t.emit(Started{Direction: t.dir, Model: info, TotalBytes: t.total, ResumedBytes: t.bytes.Load(),
		Lanes: lanes, Threads: t.threads, Mixed: mixed})
}

// emit calls the observer. t.mu must be held.
func (t *tally) emit(e Event) {
	if t.observer != nil {
		t.observer(e)
	}
}

// warn emits a Warning.
func (t *tally) warn(message string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emit(Warning{Message: message, Err: err})
}

// progress emits Progress, if enough time has passed since the last.
// live is what the block's stages have taken so far, *seen what was reported of
// it before.
func (t *tally) progress(block int, live, seen *Profile) {
	if t.observer == nil {
		return
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range live {
		t.live[i] += live[i] - seen[i]
	}
	*seen = *live
	if now.Sub(t.last) < t.interval || !t.started {
		return
	}
	t.last = now
	profile := t.profile
	profile.Add(&t.live)
	t.emit(Progress{
		Bytes: t.bytes.Load(), TotalBytes: t.total, CompressedBytes: t.coded.Load(), Symbols: t.symbols.Load(),
		Block: block, Elapsed: t.elapsed(now), Profile: profile,
	})
}

func (t *tally) addStage(s Stage, d time.Duration) {
	t.mu.Lock()
	t.profile[s] += d
	t.mu.Unlock()
}

// blockDone counts a block and emits BlockDone.
func (t *tally) blockDone(e BlockDone) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Blocks++
	if e.Stored {
		t.result.StoredBlocks++
	}
	t.emit(e)
}

// finish completes the result and emits Finished. Later calls change nothing.
func (t *tally) finish(err error) Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.finished {
		return t.result
	}
	t.finished = true
	r := &t.result
	r.Symbols = t.symbols.Load()
	r.Elapsed = t.elapsed(time.Now())
	r.Profile = t.profile
	r.Profile[StageOther] = max(0, r.Elapsed-r.Profile.Total())
	t.emit(Finished{Result: *r, Err: err})
	return *r
}

// A blockReport tells a tally how far a block has come. It implements block.Reporter.
type blockReport struct {
	tally                 *tally
	number                int
	bytes, coded, symbols int64
	profile               Profile // as last reported
}

// block returns the report of block number n.
func (t *tally) block(n int) *blockReport { return &blockReport{tally: t, number: n} }

func (r *blockReport) Begin(model predict.Info, lanes int, mixed bool) {
	if r.number == r.tally.first { // whichever comes first
		r.tally.start(model, lanes, mixed)
	}
}

func (r *blockReport) Progress(bytes, coded, symbols int64, p Profile) {
	t := r.tally
	t.bytes.Add(bytes - r.bytes)
	t.coded.Add(coded - r.coded)
	t.symbols.Add(symbols - r.symbols)
	r.bytes, r.coded, r.symbols = bytes, coded, symbols
	t.progress(r.number, &p, &r.profile)
}

func (r *blockReport) Spent(p *Profile) {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.profile.Add(p)
	for i := range r.profile {
		t.live[i] -= r.profile[i]
	}
	r.profile = Profile{}
}
