package cpu

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is a job that records what was run and complains about what should not
// have been.
type ledger struct {
	t      *testing.T
	chunks []int
	ran    [][]atomic.Int32
	left   []atomic.Int32
	delay  func(stage, chunk, thread int)
}

func newLedger(t *testing.T, chunks ...int) *ledger {
	l := &ledger{t: t, chunks: chunks, left: make([]atomic.Int32, len(chunks))}
	for _, n := range chunks {
		l.ran = append(l.ran, make([]atomic.Int32, n))
	}
	return l
}

func (l *ledger) reset() {
	for s, n := range l.chunks {
		l.left[s].Store(int32(n))
		for c := range n {
			l.ran[s][c].Store(0)
		}
	}
}

func (l *ledger) Chunks(stage int) int {
	if stage >= len(l.chunks) {
		return 0
	}
	return l.chunks[stage]
}

func (l *ledger) Run(stage, chunk, thread int) {
	if stage > 0 && l.left[stage-1].Load() != 0 {
		l.t.Errorf("stage %d runs before stage %d is complete", stage, stage-1)
	}
	if l.delay != nil {
		l.delay(stage, chunk, thread)
	}
	l.ran[stage][chunk].Add(1)
	l.left[stage].Add(-1)
}

func (l *ledger) check() {
	l.t.Helper()
	for s := range l.ran {
		for c := range l.ran[s] {
			if n := l.ran[s][c].Load(); n != 1 {
				l.t.Fatalf("stage %d chunk %d ran %d times", s, c, n)
			}
		}
	}
}

// TestPool runs every chunk exactly once, stage after stage, however many threads
// there are.
func TestPool(t *testing.T) {
	for threads := 1; threads <= 8; threads++ {
		p := NewPool(threads)
		l := newLedger(t, 1, 7, 32, 1, 100, 3)
		for range 200 {
			l.reset()
			p.Run(l)
			l.check()
		}
		p.Close()
	}
}

// TestPoolParked lets the workers park between jobs and inside of them, while one
// thread after the other is slow.
func TestPoolParked(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	l := newLedger(t, 5, 2, 9)
	for i := range 12 {
		l.delay = func(_, _, thread int) {
			if thread == i%4 {
				time.Sleep(300 * time.Microsecond)
			}
		}
		time.Sleep(time.Millisecond)
		l.reset()
		p.Run(l)
		l.check()
	}
}

// TestPoolParking lets threads park after every stage instead of spinning, so that
// parking often meets the next stage: a wake-up that gets lost stands still for ever.
func TestPoolParking(t *testing.T) {
	p := newPool(2, 0)
	defer p.Close()
	chunks := make([]int, 40)
	for i := range chunks {
		chunks[i] = 2
	}
	l := newLedger(t, chunks...)
	l.delay = func(stage, _, thread int) {
		for start := time.Now(); time.Since(start) < time.Duration((stage*(5+2*thread))%23)*time.Microsecond; {
		}
	}
	for range 100 {
		l.reset()
		p.Run(l)
		l.check()
	}
}

// TestPoolStart does something else between Start and Finish: nothing, something short, or
// so much that the other threads are done.
func TestPoolStart(t *testing.T) {
	for threads := 1; threads <= 4; threads++ {
		p := NewPool(threads)
		l := newLedger(t, 3, 16, 1, 2)
		for i := range 30 {
			l.reset()
			p.Start(l)
			time.Sleep(time.Duration(i%3) * 100 * time.Microsecond)
			p.Finish()
			l.check()
			p.Finish() // of nothing
			p.Start(newLedger(t))
			p.Finish()
		}
		p.Close()
	}
}

// TestPools runs several pools side by side, as blocks of a file do.
func TestPools(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			p := NewPool(1 + i)
			defer p.Close()
			l := newLedger(t, 3, 16, 2)
			for range 100 {
				l.reset()
				p.Run(l)
				l.check()
			}
		})
	}
	wg.Wait()
}

// TestPoolClose checks that the workers of closed pools end.
func TestPoolClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		p := NewPool(4)
		l := newLedger(t, 4)
		l.reset()
		p.Run(l)
		p.Close()
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// emptyStages counts stages that do next to nothing.
type emptyStages struct{ stages, chunks int }

func (e *emptyStages) Chunks(s int) int {
	if s < e.stages {
		return e.chunks
	}
	return 0
}
func (e *emptyStages) Run(_, _, _ int) {}

// BenchmarkBarrier measures a stage with one empty chunk per thread.
func BenchmarkBarrier(b *testing.B) {
	for _, threads := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			p := NewPool(threads)
			defer p.Close()
			p.Run(&emptyStages{b.N, threads})
		})
	}
}

// TestPatience: looking in vain gets short, and long again once it pays.
func TestPatience(t *testing.T) {
	p := newPatience(1000)
	short := 0
	for range 10 * retryWaits {
		p.failed()
		if p.spins < 10 {
			short++
		}
	}
	if short < 7*retryWaits {
		t.Errorf("short for %d of %d waits", short, 10*retryWaits)
	}
	for range 2 * retryWaits {
		if p.spins == p.full {
			break
		}
		p.failed()
	}
	p.paid()
	if p.spins != p.full {
		t.Errorf("%d looks after one that paid, want %d", p.spins, p.full)
	}
	p.failed()
	for range 10 {
		p.paid()
	}
	if p.spins != p.full {
		t.Errorf("%d looks after many that paid, want %d", p.spins, p.full)
	}
}
