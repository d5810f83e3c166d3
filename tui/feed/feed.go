// Package feed stands between a working engine and a screen. The engine's
// observer fills a Job; the screen, at its own pace, takes Snapshots of it. So
// the coder never waits for a redraw, and the screen never falls behind.
//
// Concurrency: a Job may be used by any number of goroutines. Progress may be
// lost between two snapshots; the states, the result and the warnings are not.
package feed

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/llmz/llmz/engine"
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
	Compressed   int64
	Symbols      int64
	Elapsed      time.Duration // pauses left out
	Speed        float64       // bytes per second over the last seconds
	Average      float64       // bytes per second since the start
	ETA          time.Duration // -1: not known
	Recent       float64       // BPC over the last seconds, 0: not known
	Profile      engine.Profile
	Curve        []Point

	Warnings []string
	Result   engine.Result // when Done
	Err      error         // when Failed or Cancelled
}

// Fraction returns the part done, -1 where it is not known.
func (s *Snapshot) Fraction() float64 {
	switch {
	case s.State == Done:
		return 1
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

// Job collects the events of one job.
type Job struct {
	clock Clock

	mu      sync.Mutex
	s       Snapshot
	curve   Curve
	recent  []sample
	started time.Time
	pausing time.Time     // when the pause at hand began
	paused  time.Duration // all earlier pauses
	gate    chan struct{} // closed to end the pause; nil when there is none
	done    <-chan struct{}
}

// New returns a job that waits to be started. A cancelled ctx ends a pause, so
// that the work can stop. The clock may be nil.
func New(ctx context.Context, name string, total int64, clock Clock) *Job {
	if clock == nil {
		clock = time.Now
	}
	return &Job{clock: clock, done: ctx.Done(), s: Snapshot{Name: name, Total: total, ETA: -1}}
}

// Observe takes an event of the engine. While the job is paused it holds back
// Progress events, and with them the coder that waits for it.
func (j *Job) Observe(e engine.Event) {
	j.mu.Lock()
	j.take(e)
	gate := j.gate
	j.mu.Unlock()
	if _, ok := e.(engine.Progress); ok && gate != nil {
		select {
		case <-gate:
		case <-j.done:
		}
	}
}

func (j *Job) take(e engine.Event) {
	switch e := e.(type) {
	case engine.Started:
		j.begin()
		j.s.Direction, j.s.Model = e.Direction, e.Model
		j.s.Lanes, j.s.Threads, j.s.Mixed = e.Lanes, e.Threads, e.Mixed
		if e.TotalBytes > 0 || j.s.Total <= 0 {
			j.s.Total = e.TotalBytes
		}
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
		j.finish(e.Result, e.Err)
	}
}

func (j *Job) begin() {
	if j.s.State == Waiting {
		j.s.State = Running
		j.started = j.clock()
	}
}

func (j *Job) progress(e engine.Progress) {
	if e.TotalBytes > 0 {
		j.s.Total = e.TotalBytes
	}
	j.s.Bytes, j.s.Compressed, j.s.Symbols = e.Bytes, e.CompressedBytes, e.Symbols
	j.s.Block, j.s.Profile = e.Block, e.Profile
	p := Point{e.Bytes, e.CompressedBytes}
	j.curve.Add(p)
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

func (j *Job) finish(r engine.Result, err error) {
	if j.s.State.Over() {
		return
	}
	j.s.Elapsed = j.elapsed()
	j.endPause()
	j.s.Err, j.s.Result = err, r
	switch {
	case err == nil:
		j.s.State = Done
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

// Finish ends a job whose work never reached the engine, or whose engine sent no
// Finished event (one sent before wins).
func (j *Job) Finish(r engine.Result, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.finish(r, err)
}

// SetResult replaces what is known of a finished job, for what only turns out
// after the engine's part: that it was verified, or that verifying failed.
func (j *Job) SetResult(r engine.Result, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.s.State == Done {
		j.s.State = Running
	}
	j.finish(r, err)
}

// Pause holds the job at its next progress event; Resume lets it go on.
func (j *Job) Pause() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.s.State == Running {
		j.s.State = Paused
		j.gate = make(chan struct{})
		j.pausing = j.clock()
	}
}

// Resume ends a pause.
func (j *Job) Resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.s.State == Paused {
		j.endPause()
		j.s.State = Running
	}
}

func (j *Job) endPause() {
	if j.gate == nil {
		return
	}
	j.paused += j.clock().Sub(j.pausing)
	close(j.gate)
	j.gate = nil
}

func (j *Job) elapsed() time.Duration {
	if j.started.IsZero() {
		return 0
	}
	now := j.clock()
	if j.gate != nil {
		now = j.pausing
	}
	return now.Sub(j.started) - j.paused
}

// Snapshot returns what is known now. It shares nothing with the job.
func (j *Job) Snapshot() Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.s
	s.Curve = j.curve.Points()
	s.Warnings = append([]string(nil), j.s.Warnings...)
	if !s.State.Over() {
		s.Elapsed = j.elapsed()
	}
	s.Average, s.ETA = 0, -1
	if sec := s.Elapsed.Seconds(); sec > 0 {
		s.Average = float64(s.Bytes) / sec
	}
	s.Speed = s.Average
	if n := len(j.recent); n > 1 {
		a, b := j.recent[0], j.recent[n-1]
		if db := b.point.Bytes - a.point.Bytes; db > 0 {
			s.Recent = 8 * float64(b.point.Compressed-a.point.Compressed) / float64(db)
			if dt := (b.at - a.at).Seconds(); dt > 0 && !s.State.Over() {
				s.Speed = float64(db) / dt
			}
		}
	}
	if s.State == Running && s.Total > 0 && s.Average > 0 {
		// Half the recent speed, half the average: neither jumpy nor stubborn.
		v := (s.Average + s.Speed) / 2
		s.ETA = time.Duration(float64(s.Total-s.Bytes) / v * float64(time.Second))
	}
	return s
}
