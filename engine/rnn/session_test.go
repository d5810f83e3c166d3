package rnn

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/ggml/kernel"
)

var testConfigs = []struct {
	Config
	golden uint64 // of goldenHash with 3 lanes
}{
	{Config{Cell: "gru", Layers: 2, Hidden: 48, Embed: 20}, 0xc612de5f35004293},
	{Config{Cell: "lstm", Layers: 1, Hidden: 40, Embed: 16}, 0xd9557073a8b593de},
}

func load(t testing.TB, file []byte, k *kernel.Kernel) *Model {
	t.Helper()
	m, err := Load(file, Options{Name: "test", Kernel: k})
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
	h := fnv.New64a()
	buf := make([]byte, 0, 2*Alphabet*4+4)
	for range steps {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		for l := range prev {
			buf = buf[:0]
			for _, v := range s.Logits(l) {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
			f, total := s.Freqs(l)
			var sum uint32
			for _, v := range f {
				if v == 0 {
					t.Fatal("a frequency is 0")
				}
				sum += v
				buf = binary.LittleEndian.AppendUint32(buf, v)
			}
			if sum != total {
				t.Fatalf("frequencies sum to %d, total is %d", sum, total)
			}
			h.Write(binary.LittleEndian.AppendUint32(buf, total))
			prev[l] = int32(r.next() % Alphabet)
		}
	}
	return h.Sum64()
}

// TestGolden locks the arithmetic: every kernel that the machine can run, and
// every number of threads, must give the same bits on every machine.
func TestGolden(t *testing.T) {
	for _, c := range testConfigs {
		file := randomModel(t, c.Config, 7, true)
		for _, name := range ggml.Kernels() {
			k, err := ggml.FindKernel(name)
			if err != nil {
				t.Fatal(err)
			}
			m := load(t, file, k)
			for _, threads := range []int{1, 2, 3, 8} {
				if got := goldenHash(t, m, 3, threads, 300); got != c.golden {
					t.Errorf("%s, %s, %d threads: hash %#x, want %#x", c.Cell, name, threads, got, c.golden)
				}
			}
		}
	}
}

// TestLanesAreIndependent compares lanes that run together with the same ones run
// alone, with some of them ending early.
func TestLanesAreIndependent(t *testing.T) {
	for _, c := range testConfigs {
		m := load(t, randomModel(t, c.Config, 3, true), nil)
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
	m := load(t, randomModel(t, testConfigs[0].Config, 1, true), nil)
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
