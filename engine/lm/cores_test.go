package lm

import (
	"runtime"
	"testing"
	"time"
)

// TestCoresFree: whatever the machine is doing, the answer comes soon, and one
// core is always free.
func TestCoresFree(t *testing.T) {
	if !coresFree(1) {
		t.Error("not a single core is free")
	}
	if !coresFree(runtime.GOMAXPROCS(0) + 1) {
		t.Error("it claims to know about more threads than run at once")
	}
	start := time.Now()
	const looks = 20
	n := 0
	for range looks {
		if coresFree(2) {
			n++
		}
	}
	t.Logf("two cores were free %d times of %d, %v each", n, looks, time.Since(start)/looks)
}

// TestCoresTaken has more threads of this program at work than there are cores.
func TestCoresTaken(t *testing.T) {
	n := runtime.GOMAXPROCS(0)
	if n < 2 || n > runtime.NumCPU() {
		t.Skip("not as many cores as threads, or only one")
	}
	old := runtime.GOMAXPROCS(2 * n)
	defer runtime.GOMAXPROCS(old)
	if coresFree(2 * n) {
		t.Errorf("%d of %d cores are free", 2*n, runtime.NumCPU())
	}
}
