// Package pipeline runs tasks side by side and hands their results out in the order in
// which the tasks were put in, in bounded memory.
//
// It knows nothing of blocks: a task is a function, and says itself what it takes. Who
// runs it never changes what comes out.
package pipeline

import (
	"context"
	"sync"
)

// Limits bound what is at work at the same time.
type Limits struct {
	// Tasks is the number of tasks, at least 1.
	Tasks int
	// Memory is the bytes that all tasks and results may take together, 0 for no bound. One
	// task always may run.
	Memory int64
}

// waiting is the number of results that may wait for their turn, per task at work: so no
// thread is idle because another block takes longer.
const waiting = 1

// A Pipeline runs tasks that make a T. It is used by one goroutine, which puts tasks in and
// takes results out; Share may be called by any.
type Pipeline[T any] struct {
	ctx     context.Context
	cancel  context.CancelFunc
	threads int
	queue   []*entry[T]
	changed chan struct{} // a task has ended since this was last received from

	mu      sync.Mutex // guards the rest
	limits  Limits
	memory  int64
	running int
	ahead   int // tasks that are going to be put in, if that is known
}

type entry[T any] struct {
	item   T
	memory int64         // that it takes by now
	done   chan struct{} // nil where there is nothing to run
}

// New returns a pipeline whose tasks share so many threads, and end when ctx is done.
func New[T any](ctx context.Context, threads int, l Limits) *Pipeline[T] {
	ctx, cancel := context.WithCancel(ctx)
	p := &Pipeline[T]{ctx: ctx, cancel: cancel, threads: max(threads, 1), changed: make(chan struct{}, 1)}
	p.SetLimits(l)
	return p
}

// SetLimits changes the limits for tasks to come.
func (p *Pipeline[T]) SetLimits(l Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = Limits{max(l.Tasks, 1), l.Memory}
}

// Expect tells how many tasks are going to be put in from now on, at most.
func (p *Pipeline[T]) Expect(tasks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead = tasks
}

// Len returns the number of results that have not been taken out, of whatever is at work
// included.
func (p *Pipeline[T]) Len() int { return len(p.queue) }

// Memory returns what all tasks and results take by now.
func (p *Pipeline[T]) Memory() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory
}

// Fits tells whether a task that takes so much memory may be put in now.
func (p *Pipeline[T]) Fits(memory int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.queue) == 0:
		return true
	case p.running >= p.limits.Tasks || len(p.queue) >= (1+waiting)*p.limits.Tasks:
		return false
	}
	return p.limits.Memory <= 0 || p.memory+memory <= p.limits.Memory
}

// A Task makes a result.
type Task struct {
	// Memory is what it takes while it is at work, and Kept what its result does then, in
	// bytes.
	Memory, Kept int64
	// Run does the work, until ctx is done at most.
	Run func(ctx context.Context)
}

// Put starts a task, whose result is in item once it is done.
func (p *Pipeline[T]) Put(item T, t Task) {
	e := &entry[T]{item: item, memory: t.Memory, done: make(chan struct{})}
	p.queue = append(p.queue, e)
	p.mu.Lock()
	p.memory += t.Memory
	p.running++
	p.ahead = max(0, p.ahead-1)
	p.mu.Unlock()
	go func() {
		t.Run(p.ctx)
		p.mu.Lock()
		p.running--
		p.memory -= e.memory - t.Kept
		e.memory = t.Kept
		p.mu.Unlock()
		close(e.done)
		select {
		case p.changed <- struct{}{}:
		default:
		}
	}()
}

// PutDone puts in a result that needs no work, and keeps its place among the others.
func (p *Pipeline[T]) PutDone(item T) { p.queue = append(p.queue, &entry[T]{item: item}) }

// Share returns the number of threads that a task may use from now on: all of them, shared
// among the tasks at work and those that are going to be, as far as limits let them.
func (p *Pipeline[T]) Share() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(1, p.threads/max(1, min(p.running+p.ahead, p.limits.Tasks)))
}

// First returns the oldest item, and whether it is done. It must not be called on an empty
// pipeline.
func (p *Pipeline[T]) First() (item T, done bool) {
	e := p.queue[0]
	if e.done == nil {
		return e.item, true
	}
	select {
	case <-e.done:
		return e.item, true
	default:
		return e.item, false
	}
}

// Changed returns a channel that can be received from when a task has ended.
func (p *Pipeline[T]) Changed() <-chan struct{} { return p.changed }

// Take takes the oldest item out, once it is done. It must not be called on an empty
// pipeline.
func (p *Pipeline[T]) Take() T {
	e := p.queue[0]
	if e.done != nil {
		<-e.done
	}
	p.queue[0] = nil
	p.queue = p.queue[1:]
	p.mu.Lock()
	p.memory -= e.memory
	p.mu.Unlock()
	return e.item
}

// MakeRoom waits until a task that takes so much memory fits. What is done by then is taken
// out and given to take, in order, whose first error ends it.
func (p *Pipeline[T]) MakeRoom(memory int64, take func(T) error) error {
	for {
		for len(p.queue) > 0 {
			if _, done := p.First(); !done {
				break
			}
			if err := take(p.Take()); err != nil {
				return err
			}
		}
		if p.Fits(memory) {
			return nil
		}
		<-p.changed
	}
}

// Flush takes out everything.
func (p *Pipeline[T]) Flush(take func(T) error) error {
	for len(p.queue) > 0 {
		if err := take(p.Take()); err != nil {
			return err
		}
	}
	return nil
}

// Close cancels what is at work and waits for its end.
func (p *Pipeline[T]) Close() {
	p.cancel()
	for len(p.queue) > 0 {
		p.Take()
	}
}
