package lm

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/predict/predicttest"
)

func TestConformance(t *testing.T) {
	needRuntime(t)
	s := predicttest.Suite{
		Open: func(t testing.TB, _ string) predict.Model {
			m, err := Open(context.Background(), Options{Path: tinyPath})
			if err != nil {
				t.Fatal(err)
			}
			return m
		},
		Lanes:   []int{1, 3, 5},
		Threads: []int{1, 2},
		Taken:   resident,
		Slack:   80 << 20, // the library's buffers are stated for all models alike
	}
	if runtime.GOOS != "linux" {
		s.Taken = nil
	}
	predicttest.Run(t, s)
}

// resident returns the process's memory: that of the library is not on the Go heap.
func resident() int64 {
	debug.FreeOSMemory()
	var size, pages int64
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fmt.Sscan(string(b), &size, &pages)
	return pages * int64(os.Getpagesize())
}
