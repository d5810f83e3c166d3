package lm

import (
	"context"
	"os"
	"testing"

	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/predict"
)

// ggufEnv names a larger model for the benchmarks, made by make.py random and
// llmz models convert.
const ggufEnv = "LLMZ_BENCH_GGUF"

const benchLanes = 16

func benchModel(b *testing.B) *Model {
	path := os.Getenv(ggufEnv)
	if path == "" {
		path = tinyPath
	}
	return open(b, Options{Path: path})
}

func token(step, lane int) int32 { return int32((step*7919 + lane*31) % 50000) }

// BenchmarkBareLoop steps llama.cpp and looks at nothing: the speed that
// BenchmarkSession is to be compared with, on the same threads.
func BenchmarkBareLoop(b *testing.B) {
	m := benchModel(b)
	n := m.set.ctx
	x, err := m.m.NewContext(llama.ContextOptions{Sequences: benchLanes, Positions: n, Batch: batchTokens, Threads: 1, Poll: poll})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	step := 0
	for b.Loop() {
		if step%n == 0 {
			if err := x.Clear(); err != nil {
				b.Fatal(err)
			}
		}
		for lane := range benchLanes {
			if err := x.Add(token(step, lane), int32(step%n), lane, true); err != nil {
				b.Fatal(err)
			}
		}
		if err := x.Decode(); err != nil {
			b.Fatal(err)
		}
		step++
	}
	b.ReportMetric(float64(b.N*benchLanes)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkSession does the same through a session: frequencies included,
// refills too where it runs long enough.
func BenchmarkSession(b *testing.B) {
	m := benchModel(b)
	s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: benchLanes, Threads: 1, MaxSteps: m.set.ctx})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	prev := make([]int32, benchLanes)
	step := 0
	for b.Loop() {
		for lane := range prev {
			prev[lane] = token(step, lane)
		}
		if err := s.Step(prev); err != nil {
			b.Fatal(err)
		}
		step++
	}
	infer, update := s.StageTimes()
	b.ReportMetric(float64(b.N*benchLanes)/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric(100*float64(update)/float64(infer+update), "%softmax")
}
