package rnn

import (
	"context"
	"fmt"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/cpu"
)

// BenchmarkStep measures whole steps of networks of the bundled models' shapes,
// with one and two threads, for every kernel.
func BenchmarkStep(b *testing.B) {
	for _, c := range []Config{
		{Cell: "gru", Layers: 3, Hidden: 512, Embed: 128},
		{Cell: "lstm", Layers: 1, Hidden: 288, Embed: 64},
	} {
		file := randomModel(b, c, 1, true)
		for _, name := range cpu.Kernels() {
			m := load(b, file, name)
			for _, lanes := range []int{1, 8, 16, 32} {
				for _, threads := range []int{1, 2} {
					if name == "generic" && lanes*threads > 1 {
						continue
					}
					b.Run(fmt.Sprintf("%s/%s/lanes=%d/threads=%d", c.Cell, name, lanes, threads), func(b *testing.B) {
						s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: lanes, Threads: threads})
						if err != nil {
							b.Fatal(err)
						}
						defer s.Close()
						prev := make([]int32, lanes)
						b.ReportAllocs()
						b.SetBytes(int64(lanes))
						for b.Loop() {
							if err := s.Step(prev); err != nil {
								b.Fatal(err)
							}
						}
						b.ReportMetric(float64(b.N*lanes)/b.Elapsed().Seconds()/1e3, "kB/s")
						infer, update := s.StageTimes()
						b.ReportMetric(100*float64(update)/float64(infer+update), "%update")
					})
				}
			}
		}
	}
}
