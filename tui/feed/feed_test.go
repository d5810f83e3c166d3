package feed_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
)

func TestSnapshotOfARunningJob(t *testing.T) {
	c := demo.NewClock()
	s := demo.Job(c, demo.Models["gru"], "a", 100000, 0.5).Snapshot()
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
	s := demo.Job(demo.NewClock(), demo.Models["gpt2"], "a", 777, 0.9).Snapshot()
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
	s := demo.Job(demo.NewClock(), demo.Models["gru"], "a", 1<<20, 0.995).Snapshot()
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
	j := feed.New(context.Background(), "a", 1000, nil)
	j.Observe(engine.Started{TotalBytes: 1000})
	for i := range int64(10) {
		j.Observe(engine.Progress{Bytes: i * 100, TotalBytes: 1000, CompressedBytes: i * 25})
	}
	j.Observe(engine.Finished{Result: engine.Result{OriginalBytes: 1000, CompressedBytes: 400}})
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

func TestPauseHoldsTheWorkerAndTheClock(t *testing.T) {
	c := demo.NewClock()
	j := feed.New(context.Background(), "a", 1000, c.Now)
	j.Observe(engine.Started{TotalBytes: 1000})
	c.Add(time.Second)
	j.Pause()
	done := make(chan struct{})
	go func() {
		j.Observe(engine.Progress{Bytes: 10, TotalBytes: 1000})
		close(done)
	}()
	select {
	case <-done:
		t.Fatal("a paused job let the worker go on")
	case <-time.After(30 * time.Millisecond):
	}
	c.Add(time.Hour)
	if s := j.Snapshot(); s.Elapsed != time.Second || s.State != feed.Paused {
		t.Errorf("elapsed %v, state %v", s.Elapsed, s.State)
	}
	j.Resume()
	<-done
	c.Add(time.Second)
	if s := j.Snapshot(); s.Elapsed != 2*time.Second || s.State != feed.Running {
		t.Errorf("elapsed %v, state %v", s.Elapsed, s.State)
	}
}

func TestCancelEndsAPause(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	j := feed.New(ctx, "a", 1000, nil)
	j.Observe(engine.Started{TotalBytes: 1000})
	j.Pause()
	go cancel()
	j.Observe(engine.Progress{Bytes: 10})
	j.Observe(engine.Finished{Err: context.Canceled})
	if s := j.Snapshot(); s.State != feed.Cancelled {
		t.Errorf("state %v", s.State)
	}
}

func TestTheFirstEndCounts(t *testing.T) {
	j := feed.New(context.Background(), "a", 10, nil)
	j.Finish(engine.Result{}, errors.New("no such file"))
	j.Observe(engine.Finished{Result: engine.Result{OriginalBytes: 1}})
	if s := j.Snapshot(); s.State != feed.Failed || s.Err == nil {
		t.Errorf("state %v, error %v", s.State, s.Err)
	}
}

func TestVerificationMayTurnSuccessIntoFailure(t *testing.T) {
	j := demo.Job(demo.NewClock(), demo.Models["gru"], "a", 1000, 1)
	j.SetResult(engine.Result{}, errors.New("content differs at offset 7"))
	if s := j.Snapshot(); s.State != feed.Failed {
		t.Errorf("state %v", s.State)
	}
}

// Run with -race: events and snapshots come from different goroutines.
func TestConcurrentUse(t *testing.T) {
	j := feed.New(context.Background(), "a", 1<<20, nil)
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
	j := feed.New(context.Background(), "a", 1<<40, nil)
	j.Observe(engine.Started{TotalBytes: 1 << 40})
	b.ReportAllocs()
	for i := range b.N {
		j.Observe(engine.Progress{Bytes: int64(i) * 1000, TotalBytes: 1 << 40, CompressedBytes: int64(i) * 250})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	j := demo.Job(demo.NewClock(), demo.Models["gru"], "a", 1<<20, 0.9)
	b.ReportAllocs()
	for b.Loop() {
		s := j.Snapshot()
		_ = s.BPC()
	}
}
