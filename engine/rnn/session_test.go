package rnn

import (
	"context"
	"math"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/cpu"
)

var testConfigs = []struct {
	Config
	golden uint64 // of goldenHash with 3 lanes
}{
	{Config{Cell: "gru", Layers: 2, Hidden: 48, Embed: 20}, 0x90922b1927b7f439},
	{Config{Cell: "lstm", Layers: 1, Hidden: 40, Embed: 16}, 0x2a38b449463d7f67},
}

// load loads a model that computes with the kernel of that name, "" being the default.
func load(t testing.TB, file []byte, kern string) *Model {
	t.Helper()
	b, err := cpu.New(kern)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(file, Options{Name: "test", Backend: b})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func open(t testing.TB, m *Model, lanes, threads int) *session {
	t.Helper()
	s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: lanes, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*session)
}

// wordHash is FNV-1a over 32-bit words, quick enough for all logits.
type wordHash uint64

func (h *wordHash) add(v uint32) { *h = (*h ^ wordHash(v)) * 1099511628211 }

// goldenHash steps a session on symbols of its own making and hashes all logits,
// frequencies and totals.
func goldenHash(t testing.TB, m *Model, lanes, threads, steps int) uint64 {
	t.Helper()
	s := open(t, m, lanes, threads)
	prev := make([]int32, lanes)
	for i := range prev {
		prev[i] = predict.Start
	}
	r := rng(1)
	h := wordHash(14695981039346656037)
	for range steps {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		for l := range prev {
			for _, v := range s.Logits(l) {
				h.add(math.Float32bits(v))
			}
			f, total := s.Freqs(l)
			var sum uint32
			for _, v := range f {
				if v == 0 {
					t.Fatal("a frequency is 0")
				}
				sum += v
				h.add(v)
			}
			if sum != total {
				t.Fatalf("frequencies sum to %d, total is %d", sum, total)
			}
			prev[l] = int32(r.next() % Alphabet)
		}
	}
	return uint64(h)
}

// TestGolden locks the arithmetic: every kernel that the machine can run, and
// every number of threads, must give the same bits on every machine.
func TestGolden(t *testing.T) {
	for _, c := range testConfigs {
		file := randomModel(t, c.Config, 7, true)
		for _, name := range cpu.Kernels() {
			m := load(t, file, name)
			for _, threads := range []int{1, 2, 3, 8} {
				if got := goldenHash(t, m, 3, threads, 300); got != c.golden {
					t.Errorf("%s, %s, %d threads: hash %#x, want %#x", c.Cell, name, threads, got, c.golden)
				}
			}
		}
	}
}

// TestGoldenLong does the same over 10,000 steps, in which a difference anywhere
// would spread.
func TestGoldenLong(t *testing.T) {
	for _, c := range []struct {
		Config
		golden uint64
	}{
		{Config{Cell: "gru", Layers: 1, Hidden: 24, Embed: 8}, 0x12e20777b7b58795},
		{Config{Cell: "lstm", Layers: 1, Hidden: 17, Embed: 9}, 0xbcc215a4de1fc1fe},
	} {
		file := randomModel(t, c.Config, 11, true)
		for _, name := range cpu.Kernels() {
			if got := goldenHash(t, load(t, file, name), 2, 1, 10000); got != c.golden {
				t.Errorf("%s, %s: hash %#x, want %#x", c.Cell, name, got, c.golden)
			}
		}
	}
}

// TestStepAllocatesNothing holds for every kernel, with and without workers.
func TestStepAllocatesNothing(t *testing.T) {
	for _, c := range testConfigs {
		file := randomModel(t, c.Config, 5, true)
		for _, name := range cpu.Kernels() {
			for _, threads := range []int{1, 3} {
				s := open(t, load(t, file, name), 4, threads)
				prev := []int32{'a', 'b', 'c', 'd'}
				n := testing.AllocsPerRun(200, func() {
					if err := s.Step(prev); err != nil {
						t.Fatal(err)
					}
					s.Freqs(3)
				})
				if n != 0 {
					t.Errorf("%s, %s, %d threads: %g allocations per step", c.Cell, name, threads, n)
				}
			}
		}
	}
}

// TestStageTimes checks that both stages are accounted for, whatever the
// resolution of the clock.
func TestStageTimes(t *testing.T) {
	m := load(t, randomModel(t, testConfigs[0].Config, 5, true), "")
	s := open(t, m, 2, 1)
	for range 200000 {
		if err := s.Step([]int32{1, 2}); err != nil {
			t.Fatal(err)
		}
		if infer, update := s.StageTimes(); infer > 0 && update > 0 {
			return
		}
	}
	infer, update := s.StageTimes()
	t.Errorf("inference %d ns, update %d ns", infer, update)
}

// TestLanesAreIndependent compares lanes that run together with the same ones run
// alone, with some of them ending early.
func TestLanesAreIndependent(t *testing.T) {
	for _, c := range testConfigs {
		m := load(t, randomModel(t, c.Config, 3, true), "")
		for _, lanes := range []int{1, 2, 5, 16, 19} {
			const steps = 12
			ends := lanes - lanes/3 // lanes from here on end two steps early
			together := open(t, m, lanes, 2)
			alone := make([]*session, lanes)
			prev := make([]int32, lanes)
			r := rng(lanes)
			for l := range alone {
				alone[l] = open(t, m, 1, 1)
				prev[l] = predict.Start
			}
			for i := range steps {
				n := lanes
				if i >= steps-2 {
					n = max(ends, 1)
				}
				if err := together.Step(prev[:n]); err != nil {
					t.Fatal(err)
				}
				for l := range n {
					if err := alone[l].Step(prev[l : l+1]); err != nil {
						t.Fatal(err)
					}
					fa, ta := together.Freqs(l)
					fb, tb := alone[l].Freqs(0)
					for v := range fa {
						if fa[v] != fb[v] || ta != tb {
							t.Fatalf("%s, %d lanes, step %d, lane %d: frequencies differ", c.Cell, lanes, i, l)
						}
					}
					prev[l] = int32(r.next() % Alphabet)
				}
			}
		}
	}
}

func TestStepRejects(t *testing.T) {
	m := load(t, randomModel(t, testConfigs[0].Config, 1, true), "")
	s := open(t, m, 2, 1)
	for _, prev := range [][]int32{{}, {1, 2, 3}, {256}, {-2}, {1, 1000}} {
		if err := s.Step(prev); err == nil {
			t.Errorf("step %v was accepted", prev)
		}
	}
	if err := s.Step([]int32{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Step([]int32{1, 2}); err == nil {
		t.Error("a lane came back")
	}
	if _, err := m.NewSession(context.Background(), predict.SessionOptions{}); err == nil {
		t.Error("a session without lanes was accepted")
	}
}
