//go:build unix

// Package cputime tells what processor time this process has used, for
// benchmarks of what a view costs by itself: on a busy machine, the time that
// passes says little.
package cputime

import (
	"syscall"
	"time"
)

// Used returns the processor time used so far, on all cores together.
func Used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
