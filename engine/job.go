package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/predict"
)

// job is what the blocks of one compression or decompression share: counters,
// the observer and the result.
type job struct {
	dir      Direction
	observer Observer
	interval time.Duration
	begun    time.Time
	total    int64 // input bytes, -1 where unknown
	threads  int
	gate     *gate.Gate    // holds the blocks while it is closed; may be nil
	held     time.Duration // by the gate, before the job began

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

func newJob(dir Direction, threads int, observer Observer, interval time.Duration, total int64, g *gate.Gate) *job {
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
	return &job{
		dir: dir, observer: observer, interval: interval, total: total, threads: threads, gate: g, held: g.Held(),
		begun: now, last: now, result: Result{Direction: dir, Threads: threads},
	}
}

// elapsed returns the time since the job began, pauses left out.
func (j *job) elapsed(now time.Time) time.Duration {
	return max(0, now.Sub(j.begun)-(j.gate.Held()-j.held))
}

// start emits Started, once.
func (j *job) start(info predict.Info, lanes int, mixed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.started {
		return
	}
	j.started = true
	j.result.Model, j.result.Lanes, j.result.Mixed = info, lanes, mixed
	j.emit(Started{Direction: j.dir, Model: info, TotalBytes: j.total, ResumedBytes: j.bytes.Load(),
		Lanes: lanes, Threads: j.threads, Mixed: mixed})
}

// emit calls the observer. j.mu must be held.
func (j *job) emit(e Event) {
	if j.observer != nil {
		j.observer(e)
	}
}

// warn emits a Warning.
func (j *job) warn(message string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.emit(Warning{Message: message, Err: err})
}

// progress emits Progress, if enough time has passed since the last.
// live is what the block's stages have taken so far, *seen what was reported of
// it before.
func (j *job) progress(block int, live, seen *Profile) {
	if j.observer == nil {
		return
	}
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range live {
		j.live[i] += live[i] - seen[i]
	}
	*seen = *live
	if now.Sub(j.last) < j.interval || !j.started {
		return
	}
	j.last = now
	profile := j.profile
	profile.Add(&j.live)
	j.emit(Progress{
		Bytes: j.bytes.Load(), TotalBytes: j.total, CompressedBytes: j.coded.Load(), Symbols: j.symbols.Load(),
		Block: block, Elapsed: j.elapsed(now), Profile: profile,
	})
}

func (j *job) addStage(s Stage, d time.Duration) {
	j.mu.Lock()
	j.profile[s] += d
	j.mu.Unlock()
}

// addProfile adds the stages of work that was not shown.
func (j *job) addProfile(p *Profile) {
	j.mu.Lock()
	j.profile.Add(p)
	j.mu.Unlock()
}

// blockDone counts a block and emits BlockDone.
func (j *job) blockDone(e BlockDone) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.result.Blocks++
	if e.Stored {
		j.result.StoredBlocks++
	}
	j.emit(e)
}

// finish completes the result and emits Finished. Later calls change nothing.
func (j *job) finish(err error) Result {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.finished {
		return j.result
	}
	j.finished = true
	r := &j.result
	r.Symbols = j.symbols.Load()
	r.Elapsed = j.elapsed(time.Now())
	r.Profile = j.profile
	r.Profile[StageOther] = max(0, r.Elapsed-r.Profile.Total())
	j.emit(Finished{Result: *r, Err: err})
	return *r
}

// blockMeter reports one block's progress to its job.
type blockMeter struct {
	job                   *job
	block                 int
	bytes, coded, symbols int64
	profile               Profile // as last reported
}

// set replaces what the block has counted so far, and the time its stages took.
func (m *blockMeter) set(bytes, coded, symbols int64, profile Profile) {
	m.job.bytes.Add(bytes - m.bytes)
	m.job.coded.Add(coded - m.coded)
	m.job.symbols.Add(symbols - m.symbols)
	m.bytes, m.coded, m.symbols = bytes, coded, symbols
	m.job.progress(m.block, &profile, &m.profile)
}

// addProfile adds the stages of the block once they have ended.
func (m *blockMeter) addProfile(p *Profile) {
	j := m.job
	j.mu.Lock()
	defer j.mu.Unlock()
	j.profile.Add(p)
	for i := range m.profile {
		j.live[i] -= m.profile[i]
	}
	m.profile = Profile{}
}
