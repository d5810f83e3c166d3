// Package parallel shares out independent pieces of a computation among goroutines.
package parallel

import (
	"sync"
	"sync/atomic"
)

// For calls f(0..n-1), each once, from up to threads goroutines, of which the caller's is
// one, and returns when all calls have. The calls must write to disjoint memory, so that
// the result does not depend on threads; one thread, or fewer, makes them in order.
func For(threads, n int, f func(int)) {
	threads = min(threads, n)
	if threads <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	var wg sync.WaitGroup
	for range threads - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
