//go:build unix

package bench

import (
	"os"
	"runtime"
	"syscall"
)

// maxrssUnit is the unit of Rusage.Maxrss in bytes: Darwin alone counts bytes.
var maxrssUnit = map[bool]int64{true: 1, false: 1 << 10}[runtime.GOOS == "darwin" || runtime.GOOS == "ios"]

// childPeakRSS returns the largest resident set of a process that has ended and
// of its children, 0 where it cannot be told. A process starts with its
// parent's figure, so one that is not above ours says nothing.
func childPeakRSS(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if n := int64(u.Maxrss) * maxrssUnit; n > PeakRSS() {
		return n
	}
	return 0
}
