package gate

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestWaitEndsWhenTheGateOpens(t *testing.T) {
	g := New(nil)
	if err := g.Wait(t.Context()); err != nil {
		t.Fatalf("an open gate: %v", err)
	}
	g.Close()
	g.Close()
	var wg sync.WaitGroup
	through := make(chan error, 4)
	for range cap(through) {
		wg.Go(func() { through <- g.Wait(t.Context()) })
	}
	select {
	case <-through:
		t.Fatal("a closed gate let someone through")
	case <-time.After(20 * time.Millisecond):
	}
	g.Open()
	wg.Wait()
	for range cap(through) {
		if err := <-through; err != nil {
			t.Error(err)
		}
	}
	if g.Closed() {
		t.Error("closed after Open")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	g := New(nil)
	g.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestHeldAddsUpPauses(t *testing.T) {
	now := time.Unix(0, 0)
	g := New(func() time.Time { return now })
	for range 2 {
		g.Close()
		now = now.Add(3 * time.Second)
		g.Open()
		now = now.Add(time.Second)
	}
	g.Close()
	now = now.Add(time.Minute)
	if h := g.Held(); h != time.Minute+6*time.Second {
		t.Errorf("held for %v", h)
	}
	g.Open()
	g.Open()
	if h := g.Held(); h != time.Minute+6*time.Second {
		t.Errorf("held for %v", h)
	}
}

func TestNoGateIsOpen(t *testing.T) {
	var g *Gate
	if g.Closed() || g.Held() != 0 || g.Wait(t.Context()) != nil {
		t.Error("a nil gate holds something back")
	}
}

// What a step of the work pays for being stoppable.
func BenchmarkWaitOpen(b *testing.B) {
	g := New(nil)
	ctx := b.Context()
	for b.Loop() {
		if err := g.Wait(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
