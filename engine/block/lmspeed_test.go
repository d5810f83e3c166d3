package block

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/lm"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/lm/transformer"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/profile"
	"github.com/llmz/llmz/engine/rangecoder"
)

// The benchmark's environment. Threads are GOMAXPROCS, that is -cpu.
const (
	ggufEnv   = "LLMZ_BENCH_GGUF"   // a larger model, made by make.py random and llmz models convert
	kernelEnv = "LLMZ_BENCH_KERNEL" // CPU kernels, as --kernel
	lanesEnv  = "LLMZ_BENCH_LANES"  // comma-separated, default 16
	runsEnv   = "LLMZ_BENCH_RUNS"   // comma-separated names of what is to run, default all
	stepsEnv  = "LLMZ_BENCH_STEPS"  // steps per run, default 32; the bare loop stops where the window is full
)

// nativeLanes is the number of lanes of large blocks on the bundled graph.
const nativeLanes = 32

// BenchmarkLMSpeed compares what a block goes through, in both directions, over
// llama.cpp and on the bundled graph, with a bare loop that steps llama.cpp and looks
// at nothing. An iteration runs each of them once, each iteration another one first,
// so that a machine's moods hit all alike; the figures are medians over the iterations.
func BenchmarkLMSpeed(b *testing.B) {
	path := os.Getenv(ggufEnv)
	if path == "" {
		path = "../../testdata/gpt2-tiny/gpt2-tiny.gguf"
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
	native, err := transformer.Open(b.Context(), transformer.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer native.Close()
	library, err := llama.Load(installed.Dir, os.Getenv(kernelEnv))
	if err != nil {
		b.Fatal(err)
	}
	bare, err := library.OpenModel(path, llama.ModelOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	text, err := os.ReadFile("../../testdata/alice29.txt")
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
			window, err := strconv.Atoi(m.Info().Runtime["ctx"])
			if err != nil {
				b.Fatal(err)
			}
			s := lmSpeed{b: b, bareModel: bare, window: window}
			s.llama = s.blocks(m, tokens, lanes, steps)
			s.native, s.single = s.blocks(native, tokens, nativeLanes, steps), s.blocks(native, tokens, 1, steps)
			s.run()
		})
	}
}

type lmSpeed struct {
	b                     *testing.B
	bareModel             *llama.Model
	window                int
	llama, native, single *lmBlocks
	vocabularies          Vocabularies
}

// lmBlocks are the tokens that a model codes in a number of lanes.
type lmBlocks struct {
	*lmSpeed
	m            predict.TokenModel
	lanes, steps int
	tokens       []int32 // lane after lane
	bytes        int     // of the tokens
	coding       float64 // share of softmax and coding in the last run, waking threads included
}

func (s *lmSpeed) blocks(m predict.TokenModel, tokens []int32, lanes, steps int) *lmBlocks {
	l := &lmBlocks{lmSpeed: s, m: m, lanes: lanes, steps: min(steps, len(tokens)/lanes)}
	l.tokens = tokens[:l.lanes*l.steps]
	for _, t := range l.tokens {
		l.bytes += len(m.TokenBytes(t))
	}
	return l
}

func (s *lmSpeed) run() {
	type measured struct {
		name   string
		tokens int
		run    func()
		times  []float64 // seconds per token
	}
	var runs []*measured
	list := os.Getenv(runsEnv)
	wanted := func(name string) bool { return list == "" || slices.Contains(strings.Split(list, ","), name) }
	add := func(name string, tokens int, run func()) {
		if wanted(name) {
			runs = append(runs, &measured{name: name, tokens: tokens, run: run})
		}
	}
	l := s.llama
	add("bare", min(l.steps, s.window)*l.lanes, l.bare)
	for _, c := range []struct {
		name   string
		blocks *lmBlocks
		mixed  bool
	}{{"", l, false}, {"mix-", l, true}, {"native-", s.native, false}, {"native-mix-", s.native, true}, {"native-1-", s.single, false}} {
		var coded []byte
		if wanted(c.name + "decode") {
			coded = c.blocks.code(nil, c.mixed)
		}
		add(c.name+"encode", len(c.blocks.tokens), func() { c.blocks.code(nil, c.mixed) })
		add(c.name+"decode", len(c.blocks.tokens), func() { c.blocks.code(coded, c.mixed) })
	}
	var softmax []float64
	for first := 0; s.b.Loop(); first++ {
		for i := range runs {
			r := runs[(first+i)%len(runs)]
			start := time.Now()
			r.run()
			r.times = append(r.times, time.Since(start).Seconds()/float64(r.tokens))
			if r.name == "encode" {
				softmax = append(softmax, l.coding)
			}
		}
	}
	s.b.ReportMetric(0, "ns/op")
	for i, r := range runs {
		s.b.ReportMetric(1/median(r.times), r.name+"-tok/s")
		if i > 0 && runs[0].name == "bare" {
			ratios := make([]float64, len(r.times))
			for j := range ratios {
				ratios[j] = 100 * runs[0].times[j] / r.times[j]
			}
			s.b.ReportMetric(median(ratios), r.name+"-%bare")
		}
	}
	if softmax != nil {
		s.b.ReportMetric(100*median(softmax), "%softmax+code")
	}
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// bare steps llama.cpp through the tokens.
func (s *lmBlocks) bare() {
	x, err := s.bareModel.NewContext(llama.ContextOptions{
		Sequences: s.lanes, Positions: min(s.steps, s.window), Batch: max(s.lanes, 512), Threads: runtime.GOMAXPROCS(0),
	})
	if err != nil {
		s.b.Fatal(err)
	}
	defer x.Close()
	for step := range min(s.steps, s.window) {
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
func (s *lmBlocks) code(coded []byte, mixed bool) []byte {
	c := &coding{model: s.m, lanes: s.lanes, threads: func() int { return runtime.GOMAXPROCS(0) }, known: coded == nil}
	tokens := s.tokens
	if coded == nil {
		c.coder, c.tokens = rangecoder.NewEncoder(nil), slices.Clone(tokens)
	} else {
		c.coder, c.tokens = rangecoder.NewDecoder(coded), make([]int32, len(tokens))
		tokens = nil
	}
	if mixed {
		codec := Codec{Header: &archive.Header{Mixer: archive.MixerFast}, Model: s.m, Vocabularies: &s.vocabularies}
		if err := codec.mix(c, s.bytes, mixer.Text, tokens); err != nil {
			s.b.Fatal(err)
		}
	}
	start := time.Now()
	if err := c.run(s.b.Context()); err != nil {
		s.b.Fatal(err)
	}
	s.coding = 1 - c.profile[profile.StageInfer].Seconds()/time.Since(start).Seconds()
	if !slices.Equal(c.tokens, s.tokens) {
		s.b.Fatal("other tokens than before")
	}
	out, err := c.coder.Finish()
	if err != nil {
		s.b.Fatal(err)
	}
	return out
}
