package bench

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// PeakRSS returns this process's largest resident set so far in bytes, 0 where
// it cannot be told.
//
// It reads VmHWM rather than ask getrusage, whose figure a process inherits
// from its parent across fork and exec.
func PeakRSS() int64 { return procStatus("self", "VmHWM:") }

// procStatus returns a field, given in kB, of a process's status, in bytes.
func procStatus(pid, field string) int64 {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(field)); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				n, _ := strconv.ParseInt(string(f[0]), 10, 64)
				return n << 10
			}
		}
	}
	return 0
}

// watchRSS follows the peak memory of a running process until the function it
// returns is called, which tells the largest figure seen.
func watchRSS(pid int) (stop func() int64) {
	done, result := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		wait := time.Millisecond
		for {
			// The peak never falls, so the last sample is the best one.
			peak = max(peak, procStatus(strconv.Itoa(pid), "VmHWM:"))
			select {
			case <-done:
				result <- peak
				return
			case <-time.After(wait):
				wait = min(2*wait, 20*time.Millisecond)
			}
		}
	}()
	return func() int64 { close(done); return <-result }
}
