package lm

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// probeTime is how long coresFree looks. A scheduler gives a thread that shares
	// its core a few milliseconds at a time, so that its turn ends within it.
	probeTime = 12 * time.Millisecond
	// probeGap is the longest pause that does not count as another program's turn.
	probeGap = 1500 * time.Microsecond
)

// coresFree tells whether n threads of this program can run at once, in about
// probeTime: they meet again and again, as those of llama.cpp do after every
// operation, and where one of them has to wait for its core, all stand still. That
// costs milliseconds, while a step of a large model on too many threads may take
// seconds.
//
// It cannot be told, and is taken to be true, where fewer goroutines than n run at
// once.
func coresFree(n int) bool {
	if n < 2 || runtime.GOMAXPROCS(0) < n {
		return true
	}
	var arrived atomic.Int64
	var stop atomic.Bool
	for range n - 1 {
		go func() {
			for round := int64(1); ; round++ {
				arrived.Add(1)
				for arrived.Load() < round*int64(n) {
					if stop.Load() {
						return
					}
				}
			}
		}()
	}
	// A helper that does not get a core is not waited for.
	defer stop.Store(true)
	start := time.Now()
	var met, now time.Duration // of the last meeting; now
	var longest time.Duration
	for round := int64(1); ; round++ {
		arrived.Add(1)
		for arrived.Load() < round*int64(n) {
			if now = time.Since(start); now > probeTime {
				break
			}
		}
		now = time.Since(start)
		if round > 1 || now > 4*probeGap { // waking the helpers takes a moment
			longest = max(longest, now-met)
		}
		met = now
		if now > probeTime {
			return longest < probeGap
		}
	}
}
