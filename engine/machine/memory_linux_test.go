package machine

import (
	"math"
	"os"
	"testing"
)

func TestFreeMemory(t *testing.T) {
	if n := FreeMemory(); n < 16<<20 || n > 1<<50 {
		t.Errorf("%d bytes are free", n)
	}
}

func TestGroupLimit(t *testing.T) {
	files := map[string]string{
		"/sys/fs/cgroup/memory.max":                             "max\n",
		"/sys/fs/cgroup/slurm/memory.max":                       "4000\n",
		"/sys/fs/cgroup/slurm/job/memory.max":                   "9000\n",
		"/sys/fs/cgroup/memory/docker/memory.limit_in_bytes":    "700\n",
		"/sys/fs/cgroup/memory/docker/in/memory.limit_in_bytes": "9223372036854771712\n",
	}
	read := func(name string) ([]byte, error) {
		s, ok := files[name]
		if !ok {
			return nil, os.ErrNotExist
		}
		return []byte(s), nil
	}
	for own, want := range map[string]int64{
		"0::/\n":               math.MaxInt64,
		"0::/slurm/job/step\n": 4000,
		"0::/elsewhere\n":      math.MaxInt64,
		"12:cpu:/slurm\n4:memory:/docker/in\n0::/\n": 700,
		"": math.MaxInt64, "nonsense\n": math.MaxInt64, "0::../../x\n": math.MaxInt64,
	} {
		if got := groupLimit(own, read); got != want {
			t.Errorf("%q: %d, want %d", own, got, want)
		}
	}
}
