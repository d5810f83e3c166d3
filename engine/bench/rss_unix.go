//go:build unix && !linux

package bench

import (
	"syscall"
)

// PeakRSS returns this process's largest resident set so far in bytes, 0 where
// it cannot be told.
func PeakRSS() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Maxrss) * maxrssUnit
}
