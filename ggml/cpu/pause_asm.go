//go:build (amd64 || arm64) && !noasm

package cpu

// pause tells the processor n times that the thread is waiting, which takes some
// nanoseconds each time.
func pause(n uint32)
