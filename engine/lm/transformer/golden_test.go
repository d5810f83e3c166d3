package transformer

import (
	"context"
	"os"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml/cpu"
)

// testModels are the models in testdata, with text of the kind they know.
var testModels = []struct {
	name       string
	model      []string
	text       []string
	short, all uint64 // hashes of the frequencies of 150 and of 2,000 tokens
}{
	{"gpt2-tiny", []string{"gpt2-tiny", "gpt2-tiny.gguf"}, []string{"alice29.txt"}, 0x8edc48552a6891f0, 0x418c73f2c00665d8},
	{"stories260K", []string{"stories260K", "stories260K.gguf"}, []string{"stories260K", "stories.txt"}, 0x6b82f6978e52f0ec, 0xb465d7e2e5842bec},
}

func tokensOf(t testing.TB, m *Model, name []string, n int) []int32 {
	t.Helper()
	text, err := os.ReadFile(testdata(name...))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := m.Tokenize(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) < n {
		t.Fatalf("%v has %d tokens", name, len(ids))
	}
	return ids[:n]
}

// hashes codes lanes and returns a hash of each one's frequencies.
func hashes(t testing.TB, m *Model, lanes [][]int32, threads int, foresee bool) []uint64 {
	t.Helper()
	s, err := m.newSession(context.Background(), predict.SessionOptions{Lanes: len(lanes), Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if foresee {
		s.Foresee(predict.KnownLanes(lanes))
	}
	h := make([]uint64, len(lanes))
	prev := make([]int32, len(lanes))
	for i := range prev {
		prev[i] = predict.Start
	}
	for step := range lanes[0] {
		for len(lanes[len(prev)-1]) <= step {
			prev = prev[:len(prev)-1]
		}
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		for i := range prev {
			f, total := s.Freqs(i)
			x := h[i] + uint64(total)
			for _, v := range f {
				x = (x ^ uint64(v)) * 0x100000001b3
			}
			h[i] = x
			prev[i] = lanes[i][step]
		}
	}
	return h
}

// TestGolden locks the frequencies of every kernel, for any number of threads and
// lanes, and however many tokens are evaluated at once.
func TestGolden(t *testing.T) {
	for _, c := range testModels {
		t.Run(c.name, func(t *testing.T) {
			n, want := 2000, c.all
			if testing.Short() {
				n, want = 150, c.short
			}
			for _, kern := range cpu.Kernels() {
				b, err := cpu.New(kern)
				if err != nil {
					t.Fatal(err)
				}
				m := open(t, testdata(c.model...), Options{Backend: b})
				ids := tokensOf(t, m, c.text, n)
				check := func(how string, lanes [][]int32, threads int, foresee bool) {
					t.Helper()
					if got := hashes(t, m, lanes, threads, foresee)[0]; got != want {
						t.Errorf("%s, %s: hash %#x, want %#x", kern, how, got, want)
					}
				}
				check("at once", [][]int32{ids}, 2, true)
				if kern != cpu.Kernels()[0] {
					continue // what follows differs in what the kernels are asked for alone
				}
				check("token by token", [][]int32{ids}, 1, false)
				check("3 lanes", [][]int32{ids, ids[n/3:], ids[n/2 : n/2+10]}, 8, false)
				check("5 lanes at once", [][]int32{ids, ids[n/4:], ids[n/3:], ids[n/2:], ids[n-1:]}, 3, true)
			}
		})
	}
}

// TestLanes: what is computed for a lane does not depend on the others.
func TestLanes(t *testing.T) {
	if testing.Short() {
		t.Skip("1,000 tokens")
	}
	for _, c := range testModels {
		m := open(t, testdata(c.model...), Options{})
		ids := tokensOf(t, m, c.text, 700)
		lanes := [][]int32{ids[:300], ids[100:399], ids[200:330], ids[300:430], ids[5:6]}
		together := hashes(t, m, lanes, 4, true)
		for i, l := range lanes {
			if got := hashes(t, m, [][]int32{l}, 1, false)[0]; got != together[i] {
				t.Errorf("%s: lane %d has other frequencies when it is alone", c.name, i)
			}
		}
	}
}
