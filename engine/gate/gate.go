// Package gate lets long work be paused. Whoever controls the work closes a Gate;
// the work looks at it between its steps, and waits there until the gate is open
// again or its context is done.
//
// Concurrency: a Gate may be used by any number of goroutines. Looking at an open
// one is a single atomic load.
package gate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Gate is open or closed. A nil *Gate is always open.
type Gate struct {
	clock  func() time.Time
	closed atomic.Bool

	mu     sync.Mutex
	opened chan struct{} // closed when the gate opens; nil while it is open
	since  time.Time     // when it was closed
	held   time.Duration // all earlier pauses
}

// New returns an open gate. The clock may be nil.
func New(clock func() time.Time) *Gate {
	if clock == nil {
		clock = time.Now
	}
	return &Gate{clock: clock}
}

// Close makes the work wait at its next step.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened, g.since = make(chan struct{}), g.clock()
		g.closed.Store(true)
	}
}

// Open lets the work go on.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		g.held += g.clock().Sub(g.since)
		g.closed.Store(false)
		close(g.opened)
		g.opened = nil
	}
}

// Closed is whether work has to wait.
func (g *Gate) Closed() bool { return g != nil && g.closed.Load() }

// Wait returns once the gate is open, or with the context's error once that is
// done. An open gate costs next to nothing.
func (g *Gate) Wait(ctx context.Context) error {
	if !g.Closed() {
		return nil
	}
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	if opened == nil {
		return nil
	}
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Held returns how long the gate has been closed, all in all: what to take off
// the clock for times without pauses.
func (g *Gate) Held() time.Duration {
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		return g.held + g.clock().Sub(g.since)
	}
	return g.held
}
