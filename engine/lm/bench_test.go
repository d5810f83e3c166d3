package lm

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/rangecoder"
)

// The benchmark's environment. Threads are GOMAXPROCS, that is -cpu.
const (
	ggufEnv   = "LLMZ_BENCH_GGUF"   // a larger model, made by make.py random and llmz models convert
	kernelEnv = "LLMZ_BENCH_KERNEL" // CPU kernels, as --kernel
	lanesEnv  = "LLMZ_BENCH_LANES"  // comma-separated, default 16
	stepsEnv  = "LLMZ_BENCH_STEPS"  // steps per run, default 32
)

// BenchmarkSpeed compares what a block goes through, in both directions, with a
// bare loop that steps llama.cpp and looks at nothing. An iteration runs each of
// them once, each iteration another one first, so that a machine's moods hit all
// alike; the figures are medians over the iterations.
func BenchmarkSpeed(b *testing.B) {
	path := os.Getenv(ggufEnv)
	if path == "" {
		path = tinyPath
	}
	m := open(b, Options{Path: path, Kernel: os.Getenv(kernelEnv)})
	text, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := m.Tokenize(context.Background(), text)
	if err != nil {
		b.Fatal(err)
	}
	vocabulary, err := mixer.NewVocabulary(m.Info().Alphabet, m.TokenBytes)
	if err != nil {
		b.Fatal(err)
	}
	list := os.Getenv(lanesEnv)
	if list == "" {
		list = "16"
	}
	steps, _ := strconv.Atoi(os.Getenv(stepsEnv))
	if steps == 0 {
		steps = 32
	}
	for _, l := range strings.Split(list, ",") {
		lanes, err := strconv.Atoi(l)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			s := speed{b: b, m: m, v: vocabulary, lanes: lanes, steps: min(steps, len(tokens)/lanes), tokens: tokens}
			s.run()
		})
	}
}

type speed struct {
	b            *testing.B
	m            *Model
	v            *mixer.Vocabulary
	lanes, steps int
	tokens       []int32 // lane after lane
	update       float64 // share of softmax and coding in the last run
}

func (s *speed) run() {
	names := []string{"bare", "encode", "decode", "mix-encode", "mix-decode"}
	times := make([][]float64, len(names)) // seconds per token
	var softmax []float64
	coded, mixed := s.code(nil, false), s.code(nil, true)
	runs := []func(){
		s.bare,
		func() { s.code(nil, false) },
		func() { s.code(coded, false) },
		func() { s.code(nil, true) },
		func() { s.code(mixed, true) },
	}
	for first := 0; s.b.Loop(); first++ {
		for i := range runs {
			i = (first + i) % len(runs)
			start := time.Now()
			runs[i]()
			times[i] = append(times[i], time.Since(start).Seconds()/float64(s.steps*s.lanes))
			if i == 1 {
				softmax = append(softmax, s.update)
			}
		}
	}
	s.b.ReportMetric(0, "ns/op")
	for i, name := range names {
		t := median(times[i])
		s.b.ReportMetric(1/t, name+"-tok/s")
		if i > 0 {
			ratios := make([]float64, len(times[i]))
			for j := range ratios {
				ratios[j] = 100 * times[0][j] / times[i][j]
			}
			s.b.ReportMetric(median(ratios), name+"-%bare")
		}
	}
	s.b.ReportMetric(100*median(softmax), "%softmax+code")
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// bare steps llama.cpp through the tokens.
func (s *speed) bare() {
	threads := runtime.GOMAXPROCS(0)
	x, err := s.m.m.NewContext(llama.ContextOptions{
		Sequences: s.lanes, Positions: min(s.steps, s.m.set.ctx), Batch: max(s.lanes, batchTokens), Threads: threads, Poll: poll,
	})
	if err != nil {
		s.b.Fatal(err)
	}
	defer x.Close()
	for step := range s.steps {
		if step > 0 && step%s.m.set.ctx == 0 {
			if err := x.Clear(); err != nil {
				s.b.Fatal(err)
			}
		}
		for lane := range s.lanes {
			if err := x.Add(s.tokens[lane*s.steps+step], int32(step%s.m.set.ctx), lane, true); err != nil {
				s.b.Fatal(err)
			}
		}
		if err := x.Decode(); err != nil {
			s.b.Fatal(err)
		}
	}
}

// code encodes the tokens, or decodes coded if that is not nil, and returns the
// code.
func (s *speed) code(coded []byte, mixed bool) []byte {
	session, err := s.m.NewSession(context.Background(), predict.SessionOptions{
		Lanes: s.lanes, Threads: runtime.GOMAXPROCS(0), MaxSteps: s.steps,
	})
	if err != nil {
		s.b.Fatal(err)
	}
	defer session.Close()
	c := rangecoder.NewEncoder(nil)
	if coded != nil {
		c = rangecoder.NewDecoder(coded)
	}
	var mix *mixer.Mixer
	if mixed {
		laneBytes := make([]int, s.lanes)
		total := 0
		for i := range laneBytes {
			for _, t := range s.tokens[i*s.steps : (i+1)*s.steps] {
				laneBytes[i] += len(s.m.TokenBytes(t))
			}
			total += laneBytes[i]
		}
		if coded != nil {
			laneBytes = nil
		}
		if mix, err = mixer.NewTokens(mixer.Config{BlockLen: total, Lanes: s.lanes, Model: true}, s.v, c, laneBytes); err != nil {
			s.b.Fatal(err)
		}
	}
	prev := make([]int32, s.lanes)
	for i := range prev {
		prev[i] = predict.Start
	}
	var coding time.Duration
	for step := range s.steps {
		if err := session.Step(prev); err != nil {
			s.b.Fatal(err)
		}
		start := time.Now()
		for lane := range prev {
			t := s.tokens[lane*s.steps+step]
			if coded != nil {
				t = 0
			}
			f, total := session.Freqs(lane)
			if mixed {
				prev[lane] = mix.CodeToken(c, lane, f, total, t)
			} else {
				prev[lane] = int32(c.Symbol(f, total, int(t)))
			}
			if want := s.tokens[lane*s.steps+step]; prev[lane] != want {
				s.b.Fatalf("step %d, lane %d: token %d, want %d", step, lane, prev[lane], want)
			}
		}
		coding += time.Since(start)
	}
	infer, _ := session.StageTimes()
	s.update = float64(coding) / float64(coding+time.Duration(infer))
	out, err := c.Finish()
	if err != nil {
		s.b.Fatal(err)
	}
	return out
}
