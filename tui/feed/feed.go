// Package feed stands between work and a screen. Observers of the engine, of a
// training or of a download fill a Tracker; the screen, at its own pace, takes
// Snapshots of it. So the work never waits for a redraw, and the screen never
// falls behind. The other way round a Tracker has a gate: work that looks at it can be
// paused.
//
// Concurrency: a Tracker may be used by any number of goroutines. Progress may be
// lost between two snapshots; the states, the result and the warnings are not.
package feed

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/predict"
)

// State is where a job stands.
type State int

// The states of a job.
const (
	Waiting State = iota
	Running
	Paused
	Done
	Failed
	Cancelled
)

// Over is whether the job will change no more.
func (s State) Over() bool { return s >= Done }

// Clock tells the time; time.Now but for tests.
type Clock func() time.Time

// Snapshot is what is known of a job at one moment.
type Snapshot struct {
	Name  string
	State State

	Direction engine.Direction
	Model     predict.Info
	Lanes     int
	Threads   int
	Mixed     bool
	Block     int
	Blocks    int // finished
	Stored    int // finished and stored

	Bytes, Total int64 // original bytes done, and in all (-1: not known)
	Resumed      int64 // of them, done by an earlier job that was interrupted
	Compressed   int64
	Symbols      int64
	Elapsed      time.Duration // pauses left out
	Speed        float64       // bytes per second over the last seconds
	Average      float64       // bytes per second since the start
	ETA          time.Duration // -1: not known
	Still        time.Duration // since it last got any further
	Recent       float64       // BPC over the last seconds, 0: not known
	Profile      engine.Profile
	Curve        []Point

	Training *Training // of a training; what the engine tells is then empty
	Transfer *Transfer // of a download, likewise
	Verify   *Snapshot // the check that follows the main work, once it has begun

	Warnings []string
	Result   engine.Result // when Done
	Err      error         // when Failed or Cancelled
}

// Fraction returns the part done, -1 where it is not known.
func (s *Snapshot) Fraction() float64 {
	switch {
	case s.State == Done:
		return 1
	case s.Training != nil:
		return s.Training.Fraction
	case s.Total > 0:
		return min(1, float64(s.Bytes)/float64(s.Total))
	case s.Total == 0:
		return 0
	}
	return -1
}

// BPC returns the bits per byte so far, the whole archive counted once it is
// done.
func (s *Snapshot) BPC() float64 {
	if s.State == Done && s.Result.OriginalBytes > 0 {
		return s.Result.BPC()
	}
	if s.Bytes == 0 {
		return 0
	}
	return 8 * float64(s.Compressed) / float64(s.Bytes)
}

// Ratio returns how many times smaller the compressed side is, so far.
func (s *Snapshot) Ratio() float64 {
	if b := s.BPC(); b > 0 {
		return 8 / b
	}
	return 0
}

// recentSpan is what "the last seconds" are.
const recentSpan = 3 * time.Second

type sample struct {
	at    time.Duration // since the start, pauses left out
	point Point
}

// Tracker collects the events of one job.
type Tracker struct {
	clock Clock
	gate  *gate.Gate

	mu      sync.Mutex
	s       Snapshot
	curve   Curve
	recent  []sample
	started time.Time
	held    time.Duration // by the gate, before the job began
	base    sample        // where the counting of the average begins
	ended   bool          // the main work has: what comes now is the check of it
	check   *Tracker      // nil until it begins
	plot    trainingPlot
}

// New returns a job that waits to be started, with a gate of its own. The clock
// may be nil.
func New(name string, total int64, clock Clock) *Tracker {
	if clock == nil {
		clock = time.Now
	}
	return Gated(name, total, clock, gate.New(clock))
}

// Gated is New with a gate that others share; its clock must be the job's.
func Gated(name string, total int64, clock Clock, g *gate.Gate) *Tracker {
	if clock == nil {
		clock = time.Now
	}
	return &Tracker{clock: clock, gate: g, s: Snapshot{Name: name, Total: total, ETA: -1}}
}

// Gate returns what the work has to look at to be pausable.
func (j *Tracker) Gate() *gate.Gate { return j.gate }

// Observe takes an event of the engine. How the job ended is told by Finish: after
// the engine's Finished, a check of what was written may follow as a second
// Started, Progress and Finished.
func (j *Tracker) Observe(e engine.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := e.(engine.Started); ok && j.ended && j.check == nil {
		j.check = Gated(j.s.Name, j.s.Total, j.clock, j.gate)
	}
	if _, ok := e.(engine.Warning); !ok && j.check != nil {
		j.check.Observe(e)
		return
	}
	j.take(e)
}

func (j *Tracker) take(e engine.Event) {
	switch e := e.(type) {
	case engine.Started:
		j.begin()
		j.s.Direction, j.s.Model = e.Direction, e.Model
		j.s.Lanes, j.s.Threads, j.s.Mixed = e.Lanes, e.Threads, e.Mixed
		if e.TotalBytes > 0 || j.s.Total <= 0 {
			j.s.Total = e.TotalBytes
		}
		j.s.Resumed = e.ResumedBytes
		j.base.point.Bytes = e.ResumedBytes
	case engine.Progress:
		j.begin()
		j.progress(e)
	case engine.BlockDone:
		j.s.Blocks++
		if e.Stored {
			j.s.Stored++
		}
	case engine.Warning:
		j.s.Warnings = append(j.s.Warnings, e.Message)
	case engine.Finished:
		j.ended = true
	}
}

func (j *Tracker) begin() {
	if j.s.State == Waiting {
		j.s.State = Running
		j.started, j.held = j.clock(), j.gate.Held()
	}
}

func (j *Tracker) progress(e engine.Progress) {
	if e.TotalBytes > 0 {
		j.s.Total = e.TotalBytes
	}
	j.s.Compressed, j.s.Symbols = e.CompressedBytes, e.Symbols
	j.s.Block, j.s.Profile = e.Block, e.Profile
	p := Point{e.Bytes, e.CompressedBytes}
	j.curve.Add(p)
	j.moved(p)
}

// moved notes how far the job is, for its speed.
func (j *Tracker) moved(p Point) {
	j.s.Bytes = p.Bytes
	now := j.elapsed()
	j.recent = append(j.recent, sample{now, p})
	for len(j.recent) > 2 && now-j.recent[1].at > recentSpan {
		j.recent = j.recent[1:]
	}
	// The slice creeps forward through its memory; move it back now and then.
	if cap(j.recent) > 1024 && len(j.recent) < 256 {
		j.recent = append(make([]sample, 0, 512), j.recent...)
	}
}

// Finish ends the job. Only the first end counts.
func (j *Tracker) Finish(r engine.Result, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.s.State.Over() {
		return
	}
	j.s.Elapsed = j.elapsed()
	j.s.Err, j.s.Result = err, r
	switch {
	case err == nil:
		j.s.State = Done
		if j.s.Training != nil || j.s.Transfer != nil {
			return
		}
		j.s.Bytes, j.s.Compressed = r.OriginalBytes, r.CompressedBytes
		j.s.Symbols, j.s.Profile = r.Symbols, r.Profile
		if r.Model.Name != "" {
			j.s.Model = r.Model
		}
		if r.Elapsed > 0 {
			j.s.Elapsed = r.Elapsed
		}
	case errors.Is(err, context.Canceled):
		j.s.State = Cancelled
	default:
		j.s.State = Failed
	}
}

// Pause holds the work at its next step; Resume lets it go on.
func (j *Tracker) Pause() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.s.State.Over() {
		j.gate.Close()
	}
}

// Resume ends a pause.
func (j *Tracker) Resume() { j.gate.Open() }

// elapsed returns the time since the start, pauses left out.
func (j *Tracker) elapsed() time.Duration {
	if j.started.IsZero() {
		return 0
	}
	return j.clock().Sub(j.started) - (j.gate.Held() - j.held)
}

// Snapshot returns what is known now. It shares nothing with the job.
func (j *Tracker) Snapshot() Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.s
	s.Curve = j.curve.Points()
	s.Warnings = append([]string(nil), j.s.Warnings...)
	if j.check != nil && !s.State.Over() {
		c := j.check.Snapshot()
		s.Verify = &c
	}
	if s.Training != nil {
		t := *s.Training
		t.Train, t.Held = j.plot.train.points(), j.plot.held.points()
		s.Training = &t
	}
	if s.Transfer != nil {
		t := *s.Transfer
		s.Transfer = &t
	}
	if s.State == Running && j.gate.Closed() {
		s.State = Paused
	}
	if !s.State.Over() {
		s.Elapsed = j.elapsed()
	}
	j.rates(&s)
	return s
}

// rates works out the speeds and what they promise.
func (j *Tracker) rates(s *Snapshot) {
	s.Average, s.ETA = 0, -1
	if sec := (s.Elapsed - j.base.at).Seconds(); sec > 0 {
		s.Average = float64(s.Bytes-j.base.point.Bytes) / sec
	}
	s.Speed = s.Average
	if n := len(j.recent); n > 0 {
		s.Still = s.Elapsed - j.recent[n-1].at
	}
	if n := len(j.recent); n > 1 {
		a, b := j.recent[0], j.recent[n-1]
		if db := b.point.Bytes - a.point.Bytes; db > 0 {
			s.Recent = 8 * float64(b.point.Compressed-a.point.Compressed) / float64(db)
			if dt := (b.at - a.at).Seconds(); dt > 0 && !s.State.Over() {
				s.Speed = float64(db) / dt
			}
		}
	}
	switch {
	case s.State != Running:
	case s.Training != nil:
		s.ETA = s.Training.left
	case s.Total > 0 && s.Average > 0:
		// Half the recent speed, half the average: neither jumpy nor stubborn.
		v := (s.Average + s.Speed) / 2
		s.ETA = time.Duration(float64(s.Total-s.Bytes) / v * float64(time.Second))
	}
}
