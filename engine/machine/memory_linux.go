package machine

import (
	"fmt"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// FreeMemory returns the bytes of memory that this machine can give to this process, 0 if
// that is not known: what is available, but no more than a control group allows, such as a
// container or a batch job has.
func FreeMemory() int64 {
	b, _ := os.ReadFile("/proc/meminfo")
	_, rest, _ := strings.Cut(string(b), "MemAvailable:")
	var kib int64
	fmt.Sscan(rest, &kib)
	own, _ := os.ReadFile("/proc/self/cgroup")
	return min(kib<<10, groupLimit(string(own), os.ReadFile))
}

// groupLimit returns the least limit of the control groups that /proc/self/cgroup names.
func groupLimit(own string, read func(string) ([]byte, error)) int64 {
	least := int64(math.MaxInt64)
	take := func(file string) {
		b, err := read(file)
		if n, e := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && e == nil && n > 0 {
			least = min(least, n)
		}
	}
	for line := range strings.Lines(own) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if fields[1] != "" { // the first version, with a hierarchy for each resource
			if fields[1] != "memory" {
				continue
			}
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
			take(path.Join(root, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return least
}
