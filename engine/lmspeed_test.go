package engine

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/lm"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/rangecoder"
)

// The benchmark's environment. Threads are GOMAXPROCS, that is -cpu.
const (
	ggufEnv   = "LLMZ_BENCH_GGUF"   // a larger model, made by make.py random and llmz models convert
	kernelEnv = "LLMZ_BENCH_KERNEL" // CPU kernels, as --kernel
	lanesEnv  = "LLMZ_BENCH_LANES"  // comma-separated, default 16
	stepsEnv  = "LLMZ_BENCH_STEPS"  // steps per run, default 32, at most the window: the bare loop never refills it
)

// BenchmarkLMSpeed compares what a block goes through, in both directions, with a
// bare loop that steps llama.cpp and looks at nothing. An iteration runs each of
// them once, each iteration another one first, so that a machine's moods hit all
// alike; the figures are medians over the iterations.
func BenchmarkLMSpeed(b *testing.B) {
	path := os.Getenv(ggufEnv)
	if path == "" {
		path = "../testdata/gpt2-tiny/gpt2-tiny.gguf"
	}
	installed, err := llamacpp.Locate(llamacpp.CPU)
	if err != nil {
		b.Skip(err)
	}
	m, err := lm.Open(b.Context(), lm.Options{Path: path, Kernel: os.Getenv(kernelEnv)})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	library, err := llama.Load(installed.Dir, os.Getenv(kernelEnv))
	if err != nil {
		b.Fatal(err)
	}
	bare, err := library.OpenModel(path, llama.ModelOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	text, err := os.ReadFile("../testdata/alice29.txt")
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := m.Tokenize(b.Context(), text)
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
			s := lmSpeed{b: b, m: m, bareModel: bare, lanes: lanes, steps: min(steps, len(tokens)/lanes)}
			s.tokens = tokens[:s.lanes*s.steps]
			for _, t := range s.tokens {
				s.bytes += len(m.TokenBytes(t))
			}
			s.run()
		})
	}
}

type lmSpeed struct {
	b            *testing.B
	m            *lm.Model
	bareModel    *llama.Model
	vocabularies vocabularies
	lanes, steps int
	tokens       []int32 // lane after lane
	bytes        int     // of the tokens
	coding       float64 // share of softmax and coding in the last run, waking threads included
}

func (s *lmSpeed) run() {
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
				softmax = append(softmax, s.coding)
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
func (s *lmSpeed) bare() {
	x, err := s.bareModel.NewContext(llama.ContextOptions{
		Sequences: s.lanes, Positions: s.steps, Batch: max(s.lanes, 512), Threads: runtime.GOMAXPROCS(0),
	})
	if err != nil {
		s.b.Fatal(err)
	}
	defer x.Close()
	for step := range s.steps {
		for lane := range s.lanes {
			if err := x.Add(s.tokens[lane*s.steps+step], int32(step), lane, true); err != nil {
				s.b.Fatal(err)
			}
		}
		if err := x.Decode(); err != nil {
			s.b.Fatal(err)
		}
	}
}

// code encodes the tokens, or decodes coded if that is not nil, as a block that is
// not probed, and returns the code.
func (s *lmSpeed) code(coded []byte, mixed bool) []byte {
	c := &blockCodec{model: s.m, lanes: s.lanes, threads: runtime.GOMAXPROCS(0)}
	tokens := s.tokens
	if coded == nil {
		c.coder, c.tokens = rangecoder.NewEncoder(nil), slices.Clone(tokens)
	} else {
		c.coder, c.tokens = rangecoder.NewDecoder(coded), make([]int32, len(tokens))
		tokens = nil
	}
	if mixed {
		var err error
		if c.mixer, err = s.vocabularies.newTokenMixer(c.coder, mixer.Config{BlockLen: s.bytes, Lanes: s.lanes, Kind: mixer.Text}, s.m, tokens); err != nil {
			s.b.Fatal(err)
		}
	}
	start := time.Now()
	if err := c.run(s.b.Context()); err != nil {
		s.b.Fatal(err)
	}
	s.coding = 1 - c.profile[StageInfer].Seconds()/time.Since(start).Seconds()
	if !slices.Equal(c.tokens, s.tokens) {
		s.b.Fatal("other tokens than before")
	}
	out, err := c.coder.Finish()
	if err != nil {
		s.b.Fatal(err)
	}
	return out
}
