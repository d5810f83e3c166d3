// Package demo makes up jobs: the same ones each time, for tests and for the
// pictures in the documentation.
package demo

import (
	"math"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/feed"
)

// Clock is a clock that only moves when told to.
type Clock struct{ T time.Time }

// NewClock returns a clock that shows some fixed time.
func NewClock() *Clock { return &Clock{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)} }

// Now tells the time.
func (c *Clock) Now() time.Time { return c.T }

// Add moves the clock forward.
func (c *Clock) Add(d time.Duration) { c.T = c.T.Add(d) }

// Model is a made-up entrant: how fast and how well it codes.
type Model struct {
	Info  predict.Info
	Speed float64 // bytes per second
	Final float64 // BPC in the end
	Start float64 // BPC in the beginning
	Lanes int
}

// Models are the entrants known to this package.
var Models = map[string]Model{
	"gru": {predict.Info{Ref: predict.Ref{Name: "gru"}, Parameters: 4302208, Bundled: true, Alphabet: 256, Device: "cpu", Kernel: "avx512vnni"},
		41200, 2.011, 3.4, 16},
	"lstm": {predict.Info{Ref: predict.Ref{Name: "lstm"}, Parameters: 834304, Bundled: true, Alphabet: 256, Device: "cpu", Kernel: "avx512vnni"},
		262000, 2.204, 3.9, 16},
	"gpt2": {predict.Info{Ref: predict.Ref{Name: "gpt2"}, Parameters: 124439808, Kind: predict.Tokens, Alphabet: 50257, Device: "cpu", Kernel: "haswell"},
		1730, 1.604, 2.3, 16},
	"distilgpt2": {predict.Info{Ref: predict.Ref{Name: "distilgpt2"}, Parameters: 81912576, Kind: predict.Tokens, Alphabet: 50257, Device: "cpu", Kernel: "haswell"},
		3050, 1.842, 2.6, 16},
	"xz-9": {predict.Info{Ref: predict.Ref{Name: "xz-9"}}, 2.1e6, 2.553, 2.553, 0},
}

// Cost returns the BPC of the part of a file at f (0 to 1): it falls as the
// mixer learns, with a bump where the text changes.
func (m Model) Cost(f float64) float64 {
	c := m.Final*0.97 + (m.Start-m.Final)*math.Exp(-9*f)
	c += 0.12 * math.Sin(37*f) * math.Sin(11*f+1)
	if f > 0.62 && f < 0.68 {
		c += 0.7
	}
	return c
}

// Drive sends a job the events of coding total bytes with m up to the part f,
// moving the clock as it goes.
func Drive(c *Clock, m Model, total int64, f float64, observe func(engine.Event)) {
	observe(engine.Started{Model: m.Info, TotalBytes: total, Lanes: m.Lanes, Threads: 2, Mixed: true})
	const steps = 200
	compressed := 0.0
	start := c.T
	for i := 1; i <= int(f*steps); i++ {
		at := float64(i) / steps
		compressed += m.Cost(at) / 8 * float64(total) / steps
		el := time.Duration(at * float64(total) / m.Speed * float64(time.Second))
		c.T = start.Add(el)
		observe(engine.Progress{Bytes: int64(at * float64(total)), TotalBytes: total, CompressedBytes: int64(compressed),
			Symbols: int64(at * float64(total)), Elapsed: el, Profile: Profile(m, el)})
	}
}

// Profile splits elapsed among the stages as m would.
func Profile(m Model, elapsed time.Duration) engine.Profile {
	share := func(f float64) time.Duration { return time.Duration(f * float64(elapsed)) }
	p := engine.Profile{engine.StageInfer: share(0.713), engine.StageUpdate: share(0.082), engine.StageMix: share(0.141),
		engine.StageCode: share(0.041), engine.StageRead: share(0.003), engine.StageWrite: share(0.002), engine.StageOther: share(0.018)}
	if m.Info.Kind == predict.Tokens {
		p[engine.StageInfer], p[engine.StageTokenize] = share(0.688), share(0.025)
	}
	if m.Lanes == 0 {
		p = engine.Profile{engine.StageCode: share(0.97), engine.StageRead: share(0.02), engine.StageWrite: share(0.01)}
	}
	return p
}

// Result is what coding total bytes with m ends in.
func Result(m Model, total int64) engine.Result {
	el := time.Duration(float64(total) / m.Speed * float64(time.Second))
	return engine.Result{Model: m.Info, OriginalBytes: total, CompressedBytes: int64(m.Final * float64(total) / 8),
		Symbols: total, Blocks: 1, Lanes: m.Lanes, Threads: 2, Mixed: true, Elapsed: el, Profile: Profile(m, el)}
}

// Tracker returns the tracker of a job of that name that got as far as f; 1 finishes it.
func Tracker(c *Clock, m Model, name string, total int64, f float64) *feed.Tracker {
	j := feed.New(name, total, c.Now)
	if f > 0 {
		Drive(c, m, total, f, j.Observe)
	}
	if f >= 1 {
		r := Result(m, total)
		r.Verified = true
		j.Observe(engine.Finished{Result: r})
		j.Finish(r, nil)
	}
	return j
}
