//go:build !linux

package machine

// FreeMemory returns the bytes of memory that this machine can give to this process, 0 as
// that is not known.
func FreeMemory() int64 { return 0 }
