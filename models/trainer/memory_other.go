//go:build !linux

package trainer

// freeMemory returns the bytes of memory that this machine can give, 0 as that is not known.
func freeMemory() int64 { return 0 }
