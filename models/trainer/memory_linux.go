package trainer

import (
	"fmt"
	"os"
	"strings"
)

// freeMemory returns the bytes of memory that this machine can give, 0 if that is not known.
func freeMemory() int64 {
	b, _ := os.ReadFile("/proc/meminfo")
	_, rest, _ := strings.Cut(string(b), "MemAvailable:")
	var kib int64
	fmt.Sscan(rest, &kib)
	return kib << 10
}
