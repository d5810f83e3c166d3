package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

// patience is how long a trial may take: ten seconds, on a machine that others keep
// busy as many times longer as there are more of them than processors.
func patience() time.Duration {
	load := 0.0
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(b), &load)
	}
	return time.Duration(10 * max(1, 2*load/float64(runtime.NumCPU())) * float64(time.Second))
}

// A watch waits for the end of a process's time. Time in which that process or this one
// was stopped (SIGSTOP, a laptop asleep) does not count.
type watch struct {
	mu   sync.Mutex
	left time.Duration
	over bool
}

// startWatch calls hung once the process has been at work for that long.
func startWatch(pid int, left time.Duration, hung func()) *watch {
	const tick = 50 * time.Millisecond
	w := &watch{left: left}
	go func() {
		for {
			time.Sleep(tick)
			at := stopped(pid)
			w.mu.Lock()
			if !at {
				w.left -= tick
			}
			over, up := w.over, w.left <= 0
			w.over = over || up
			w.mu.Unlock()
			if over {
				return
			}
			if up {
				hung()
				return
			}
		}
	}()
	return w
}

// reset gives the process another time.
func (w *watch) reset(left time.Duration) {
	w.mu.Lock()
	w.left = left
	w.mu.Unlock()
}

// stop ends the watch.
func (w *watch) stop() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
}
