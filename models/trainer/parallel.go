package trainer

import "sync/atomic"

// parallel calls f(0..n-1), each once, from up to threads goroutines. The calls
// must write to disjoint memory, so that the result does not depend on threads.
func parallel(threads, n int, f func(int)) {
	threads = min(threads, n)
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	done := make(chan struct{}, max(threads, 1))
	for range threads - 1 {
		go func() { work(); done <- struct{}{} }()
	}
	work()
	for range threads - 1 {
		<-done
	}
}
