package pipeline

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sleeper is a task that takes so long.
func sleeper(d time.Duration) Task { return Task{Run: func(context.Context) { time.Sleep(d) }} }

// TestOrder: results come in the order of the tasks, however long each of them takes, and no
// thread waits for the oldest.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[int](t.Context(), 4, Limits{Tasks: 4})
		defer p.Close()
		var got, want []int
		take := func(i int) error { got = append(got, i); return nil }
		var running, most atomic.Int32
		start := time.Now()
		for i := range 40 {
			want = append(want, i)
			if err := p.MakeRoom(0, take); err != nil {
				t.Fatal(err)
			}
			p.Put(i, Task{Run: func(context.Context) {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second)
				if i%5 == 0 {
					time.Sleep(2 * time.Second)
				}
				running.Add(-1)
			}})
		}
		if err := p.Flush(take); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v", got, err)
		}
		if most.Load() != 4 {
			t.Errorf("%d tasks at the same time", most.Load())
		}
		if took := time.Since(start); took > 16*time.Second { // 14 at best
			t.Errorf("it took %v", took)
		}
	})
}

// TestFirstErrorEnds: what take refuses ends it all.
func TestFirstErrorEnds(t *testing.T) {
	refused := errors.New("refused")
	p := New[int](t.Context(), 1, Limits{Tasks: 1})
	defer p.Close()
	p.PutDone(1)
	if err := p.MakeRoom(0, func(int) error { return refused }); err != refused {
		t.Error(err)
	}
	p.PutDone(2)
	if err := p.Flush(func(int) error { return refused }); err != refused {
		t.Error(err)
	}
}

// TestMemory: tasks wait for memory, what they leave behind takes less, and one alone always
// runs.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[int](t.Context(), 8, Limits{Tasks: 8, Memory: 100})
		defer p.Close()
		fits := func(memory int64, want bool) {
			t.Helper()
			if got := p.Fits(memory); got != want {
				t.Errorf("%d bytes fit: %v", memory, got)
			}
		}
		fits(500, true)
		p.Put(0, Task{Memory: 500, Kept: 30, Run: func(context.Context) { time.Sleep(time.Second) }})
		fits(1, false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		fits(70, true)
		fits(71, false)
		p.Take()
		p.PutDone(1)
		fits(100, true)
		fits(101, false)
	})
}

// TestShare: threads that nobody uses go to those at work, and come back.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[int](t.Context(), 8, Limits{Tasks: 4})
		defer p.Close()
		p.Expect(6)
		want := func(n int) {
			t.Helper()
			synctest.Wait()
			if got := p.Share(); got != n {
				t.Errorf("a task gets %d threads, not %d", got, n)
			}
		}
		want(2)
		for i := range 6 {
			p.MakeRoom(0, func(int) error { return nil })
			p.Put(i, sleeper(time.Duration(i+1)*time.Minute))
		}
		want(2)
		for _, n := range []int{2, 4, 8, 8} { // threads once three, two, one and none are left
			p.Take()
			want(n)
		}
	})
}

// TestClose cancels tasks and waits for them.
func TestClose(t *testing.T) {
	p := New[int](t.Context(), 2, Limits{Tasks: 2})
	var ended atomic.Int32
	for i := range 2 {
		p.Put(i, Task{Run: func(ctx context.Context) {
			<-ctx.Done()
			ended.Add(1)
		}})
	}
	p.Close()
	if ended.Load() != 2 || p.Len() != 0 {
		t.Errorf("%d tasks ended, %d are left", ended.Load(), p.Len())
	}
}
