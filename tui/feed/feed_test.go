package feed_test

import (
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
)

func TestSnapshotOfARunningJob(t *testing.T) {
	c := demo.NewClock()
	s := demo.Tracker(c, demo.Models["gru"], "a", 100000, 0.5).Snapshot()
	if s.State != feed.Running || s.Bytes != 50000 || s.Fraction() != 0.5 {
		t.Fatalf("%v %d %v", s.State, s.Bytes, s.Fraction())
	}
	if math.Abs(s.Speed-41200) > 500 || math.Abs(s.ETA.Seconds()-s.Elapsed.Seconds()) > 0.1 {
		t.Errorf("speed %v, elapsed %v, left %v", s.Speed, s.Elapsed, s.ETA)
	}
	if bpc := s.BPC(); bpc < 2 || bpc > 3.4 || math.Abs(s.Ratio()*bpc-8) > 1e-9 {
		t.Errorf("BPC %v, ratio %v", bpc, s.Ratio())
	}
	if s.Recent >= s.BPC() {
		t.Errorf("the cost falls, but the last stretch (%v) is not below the whole (%v)", s.Recent, s.BPC())
	}
}

func TestSharesAddUp(t *testing.T) {
	s := demo.Tracker(demo.NewClock(), demo.Models["gpt2"], "a", 777, 0.9).Snapshot()
	sum := 0
	for _, sh := range s.Shares() {
		sum += sh.Tenths
	}
	if sum != 1000 {
		t.Errorf("shares add up to %d tenths of a percent", sum)
	}
	if n := len((&feed.Snapshot{}).Shares()); n != 0 {
		t.Errorf("%d shares of nothing", n)
	}
}

// The parts of a file weigh up to the whole, however many there are.
func TestStretchesWeighUp(t *testing.T) {
	s := demo.Tracker(demo.NewClock(), demo.Models["gru"], "a", 1<<20, 0.995).Snapshot()
	for _, n := range []int{1, 7, 60, 200} {
		sum := 0.0
		for _, v := range s.Stretches(n) {
			if !math.IsNaN(v) {
				sum += v * float64(s.Total) / float64(n)
			}
		}
		want := 8 * float64(s.Compressed)
		if math.Abs(sum-want)/want > 0.03 {
			t.Errorf("%d parts: %.0f bits of %.0f", n, sum, want)
		}
	}
}

// What the archive's headers and index take is no part's of the file.
func TestHeadersAreNoStretch(t *testing.T) {
	j := feed.New("a", 1000, nil)
	j.Observe(engine.Started{TotalBytes: 1000})
	for i := range int64(10) {
		j.Observe(engine.Progress{Bytes: i * 100, TotalBytes: 1000, CompressedBytes: i * 25})
	}
	j.Finish(engine.Result{OriginalBytes: 1000, CompressedBytes: 400}, nil)
	s := j.Snapshot()
	for i, v := range s.Stretches(20) {
		if math.Abs(v-2) > 0.1 {
			t.Errorf("part %d costs %v BPC, all of them 2", i, v)
		}
	}
	if s.BPC() != 3.2 {
		t.Errorf("the archive as a whole costs %v BPC", s.BPC())
	}
}

func TestCurveStaysSmall(t *testing.T) {
	var c feed.Curve
	for i := range int64(1_000_000) {
		c.Add(feed.Point{Bytes: i * 10, Compressed: i * 3})
	}
	p := c.Points()
	if len(p) > 512 || len(p) < 200 {
		t.Fatalf("%d points", len(p))
	}
	for i := 1; i < len(p); i++ {
		if p[i].Bytes <= p[i-1].Bytes {
			t.Fatalf("point %d does not advance", i)
		}
	}
	if last := p[len(p)-1].Bytes; last < 9_900_000 {
		t.Errorf("the last point is at %d", last)
	}
}

// Pausing closes the gate and stops the clock; a check that follows shares both.
func TestPauseClosesTheGateAndStopsTheClock(t *testing.T) {
	c := demo.NewClock()
	j := feed.New("a", 1000, c.Now)
	j.Observe(engine.Started{TotalBytes: 1000})
	c.Add(time.Second)
	j.Pause()
	if !j.Gate().Closed() {
		t.Fatal("the gate is open")
	}
	c.Add(time.Hour)
	if s := j.Snapshot(); s.Elapsed != time.Second || s.State != feed.Paused {
		t.Errorf("elapsed %v, state %v", s.Elapsed, s.State)
	}
	j.Resume()
	c.Add(time.Second)
	if s := j.Snapshot(); s.Elapsed != 2*time.Second || s.State != feed.Running {
		t.Errorf("elapsed %v, state %v", s.Elapsed, s.State)
	}
	j.Observe(engine.Finished{})
	j.Observe(engine.Started{Direction: engine.Decompressing})
	j.Pause()
	c.Add(time.Hour)
	if s := j.Snapshot(); s.Verify == nil || s.Verify.State != feed.Paused || s.Verify.Elapsed != 0 {
		t.Errorf("the check: %+v", s.Verify)
	}
}

func TestCheckFollowsTheMainWork(t *testing.T) {
	j := feed.New("a", 1000, nil)
	j.Observe(engine.Started{TotalBytes: 1000})
	j.Observe(engine.Progress{Bytes: 1000, TotalBytes: 1000, CompressedBytes: 250})
	j.Observe(engine.Finished{Result: engine.Result{OriginalBytes: 1000, CompressedBytes: 260}})
	if s := j.Snapshot(); s.State != feed.Running || s.Verify != nil {
		t.Errorf("before the check: %v, %v", s.State, s.Verify)
	}
	j.Observe(engine.Started{Direction: engine.Decompressing, TotalBytes: 1000})
	j.Observe(engine.Progress{Bytes: 300, TotalBytes: 1000})
	j.Observe(engine.Warning{Message: "slow"})
	s := j.Snapshot()
	if s.Verify == nil || s.Verify.Bytes != 300 || s.Bytes != 1000 || len(s.Warnings) != 1 {
		t.Errorf("during the check: %+v", s)
	}
	j.Finish(engine.Result{}, errors.New("content differs at offset 7"))
	if s := j.Snapshot(); s.State != feed.Failed || s.Verify != nil {
		t.Errorf("after it: %v, %v", s.State, s.Verify)
	}
}

func TestTheFirstEndCounts(t *testing.T) {
	j := feed.New("a", 10, nil)
	j.Finish(engine.Result{}, errors.New("no such file"))
	j.Finish(engine.Result{OriginalBytes: 1}, nil)
	if s := j.Snapshot(); s.State != feed.Failed || s.Err == nil {
		t.Errorf("state %v, error %v", s.State, s.Err)
	}
}

// What an earlier job had done is no speed of this one.
func TestResumedJobsCountTheirOwnSpeed(t *testing.T) {
	c := demo.NewClock()
	j := feed.New("a", 1000, c.Now)
	j.Observe(engine.Started{TotalBytes: 1000, ResumedBytes: 800})
	c.Add(time.Second)
	j.Observe(engine.Progress{Bytes: 900, TotalBytes: 1000, CompressedBytes: 200})
	if s := j.Snapshot(); s.Average != 100 || s.ETA != time.Second || s.Resumed != 800 {
		t.Errorf("%v bytes per second, %v left, resumed at %d", s.Average, s.ETA, s.Resumed)
	}
}

func TestDownload(t *testing.T) {
	c := demo.NewClock()
	j := feed.New("gpt2", -1, c.Now)
	j.Download("vocab.json", 0, 100)
	c.Add(time.Second)
	j.Download("vocab.json", 100, 100)
	j.Download("model.safetensors", 4000, 10000)
	c.Add(2 * time.Second)
	j.Download("model.safetensors", 6000, 10000)
	s := j.Snapshot()
	if s.Transfer == nil || s.Transfer.File != "model.safetensors" || s.Resumed != 4000 || s.Fraction() != 0.6 {
		t.Errorf("%+v", s)
	}
	if s.Speed != 1000 || s.ETA != 4*time.Second {
		t.Errorf("%v bytes per second, %v left", s.Speed, s.ETA)
	}
	c.Add(9 * time.Second)
	if s := j.Snapshot(); s.Still != 9*time.Second {
		t.Errorf("it stands still for %v", s.Still)
	}
	j.Convert(37, 148)
	if s := j.Snapshot(); !s.Transfer.Converting || s.Fraction() != 0.25 || s.Resumed != 0 {
		t.Errorf("converting: %+v", s)
	}
	j.Finish(engine.Result{}, nil)
	if s := j.Snapshot(); s.State != feed.Done || s.Fraction() != 1 {
		t.Errorf("in the end: %+v", s)
	}
}

func TestTraining(t *testing.T) {
	c := demo.NewClock()
	j := feed.New("notes", -1, c.Now)
	demo.Train(c, 0.5, j.Train)
	s := j.Snapshot()
	x := s.Training
	if x == nil || s.State != feed.Running || math.Abs(s.Fraction()-0.5) > 0.01 || s.ETA <= 0 {
		t.Fatalf("%+v", s)
	}
	if x.BPC <= 0 || x.Valid <= 0 || x.Best > x.Valid || len(x.Train) < 50 || len(x.Held) < 2 || x.Saved == 0 {
		t.Errorf("%+v", x)
	}
	if last := x.Train[len(x.Train)-1]; last.BPC != x.BPC || last.At != x.Fraction {
		t.Errorf("the curve ends at %v", last)
	}
	if math.Abs(s.Speed-demo.TrainSpeed) > demo.TrainSpeed/10 {
		t.Errorf("%v bytes per second", s.Speed)
	}
	j.Pause()
	if s := j.Snapshot(); s.State != feed.Paused || s.ETA != -1 {
		t.Errorf("paused: %v, %v left", s.State, s.ETA)
	}
}

func TestTrainingCurveStaysSmall(t *testing.T) {
	j := feed.New("notes", -1, nil)
	for i := range 20_000 {
		j.Train(&trainer.Progress{Update: i, Bytes: int64(i), BPC: 8 - float64(i)/5000, Fraction: float64(i) / 20_000})
	}
	p := j.Snapshot().Training.Train
	if len(p) > 513 || len(p) < 200 || p[len(p)-1].At != 19_999.0/20_000 {
		t.Errorf("%d points up to %v", len(p), p[len(p)-1].At)
	}
}

// Run with -race: events and snapshots come from different goroutines.
func TestConcurrentUse(t *testing.T) {
	j := feed.New("a", 1<<20, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range int64(500) {
				j.Observe(engine.Progress{Bytes: i, TotalBytes: 1 << 20, CompressedBytes: i / 4})
				s := j.Snapshot()
				s.Stretches(20)
			}
		})
	}
	wg.Wait()
}

// What an event costs the coder that sends it.
func BenchmarkObserve(b *testing.B) {
	j := feed.New("a", 1<<40, nil)
	j.Observe(engine.Started{TotalBytes: 1 << 40})
	b.ReportAllocs()
	for i := range b.N {
		j.Observe(engine.Progress{Bytes: int64(i) * 1000, TotalBytes: 1 << 40, CompressedBytes: int64(i) * 250})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	j := demo.Tracker(demo.NewClock(), demo.Models["gru"], "a", 1<<20, 0.9)
	b.ReportAllocs()
	for b.Loop() {
		s := j.Snapshot()
		_ = s.BPC()
	}
}
