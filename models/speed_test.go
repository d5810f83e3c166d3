package models

import (
	"fmt"
	"sync"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// BenchmarkTwoBlocks compares two ways to step the lanes of two blocks on two threads: a
// session with the lanes of both, and a session for each block with a thread of its own.
func BenchmarkTwoBlocks(b *testing.B) {
	const steps = 128
	for _, name := range BundledNames() {
		m, err := Bundled(b.Context(), name)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { m.Close() })
		// run makes so many sessions, and steps each in a goroutine of its own.
		run := func(b *testing.B, sessions, lanes, threads int) {
			for b.Loop() {
				b.StopTimer()
				all := make([]predict.Session, sessions)
				for i := range all {
					if all[i], err = m.NewSession(b.Context(), predict.SessionOptions{Lanes: lanes, Threads: threads}); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				var wg sync.WaitGroup
				for _, s := range all {
					wg.Go(func() {
						prev := make([]int32, lanes)
						for i := range prev {
							prev[i] = predict.Start
						}
						for step := range steps {
							if err := s.Step(prev); err != nil {
								b.Error(err)
								return
							}
							for i := range prev {
								prev[i] = int32(32 + (step*7+i*13)%90)
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				for _, s := range all {
					s.Close()
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N*steps*sessions*lanes)/b.Elapsed().Seconds()/1e3, "ksymbols/s")
		}
		for _, lanes := range []int{1, 4, 8, 16} {
			b.Run(fmt.Sprintf("%s/lanes=%d/together", name, lanes), func(b *testing.B) { run(b, 1, 2*lanes, 2) })
			b.Run(fmt.Sprintf("%s/lanes=%d/apart", name, lanes), func(b *testing.B) { run(b, 2, lanes, 1) })
		}
	}
}
