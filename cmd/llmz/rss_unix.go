//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// peakRSS returns the process's largest resident set so far in bytes, 0 where
// it cannot be told.
func peakRSS() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10 // everyone else counts in KiB
}
