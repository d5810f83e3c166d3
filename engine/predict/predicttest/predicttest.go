// Package predicttest checks that a predictor keeps the promises of package predict,
// on which every archive depends: what a lane's symbols are predicted to be depends on
// the lane's own symbols and on nothing else.
package predicttest

import (
	"context"
	"hash/maphash"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// Suite says what to test, and with what.
type Suite struct {
	// Open opens the model, computing with the kernel of that name, "" being the one
	// used where none is named.
	Open func(t testing.TB, kernel string) predict.Model
	// Kernels are compared with each other; nil for "" alone.
	Kernels []string
	// Lanes are the numbers of lanes to try, the largest last; nil for 1, 2, 5 and 9.
	Lanes []int
	// Threads are the numbers of threads to try; nil for 1, 2, 3 and 8.
	Threads []int
	// Steps is the length of the longest lane, 0 for 24. A model whose window can be
	// full should have it filled.
	Steps int
	// Taken returns the memory that the process takes, once what is not needed has been
	// given back; nil for the Go heap.
	Taken func() int64
	// Slack is what a statement about memory may be off by, beside a factor of two
	// upwards: the runtime's own memory, threads, buffers; 0 for 1 MiB.
	Slack int64
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	if s.Kernels == nil {
		s.Kernels = []string{""}
	}
	if s.Lanes == nil {
		s.Lanes = []int{1, 2, 5, 9}
	}
	if s.Threads == nil {
		s.Threads = []int{1, 2, 3, 8}
	}
	if s.Steps == 0 {
		s.Steps = 24
	}
	if s.Taken == nil {
		s.Taken = heap
	}
	if s.Slack == 0 {
		s.Slack = 1 << 20
	}
	t.Run("memory", s.memory) // first, while nothing else is in memory
	m := s.Open(t, s.Kernels[0])
	defer m.Close()
	most := s.Lanes[len(s.Lanes)-1]
	text := symbols(most, s.Steps, m.Info().Alphabet)
	want := run(t, m, how{lanes: text, threads: 1})
	same := func(t *testing.T, m predict.Model, h how) {
		t.Helper()
		compare(t, run(t, m, h), want)
	}

	t.Run("frequencies", func(t *testing.T) { checkFreqs(t, m, text) })
	t.Run("threads", func(t *testing.T) {
		for _, n := range s.Threads {
			same(t, m, how{lanes: text, threads: n})
		}
	})
	t.Run("kernels", func(t *testing.T) {
		for _, k := range s.Kernels[1:] {
			other := s.Open(t, k)
			same(t, other, how{lanes: text, threads: 2})
			other.Close()
		}
	})
	t.Run("lanes", func(t *testing.T) {
		for _, n := range s.Lanes {
			same(t, m, how{lanes: text[:n], threads: 2})
		}
		same(t, m, how{lanes: text, threads: 1, maxSteps: s.Steps})
	})
	t.Run("early ends", func(t *testing.T) {
		same(t, m, how{lanes: ending(text), threads: 2})
	})
	t.Run("order of calls", func(t *testing.T) {
		for _, o := range []order{backwards, twice, together, seldom} {
			same(t, m, how{lanes: text, threads: 2, order: o})
		}
	})
	t.Run("sessions", func(t *testing.T) { sideBySide(t, m, text, want) })
	t.Run("foreseen", func(t *testing.T) {
		if !foresees(t, m) {
			t.Skip("the model looks at one symbol of a lane at a time")
		}
		for _, n := range s.Lanes {
			for _, o := range []order{forwards, together, seldom} {
				same(t, m, how{lanes: text[:n], threads: 2, order: o, foresee: true, maxSteps: s.Steps})
			}
			same(t, m, how{lanes: ending(text[:n]), threads: 3, foresee: true})
		}
		for _, k := range s.Kernels[1:] {
			other := s.Open(t, k)
			same(t, other, how{lanes: text, threads: 1, foresee: true})
			other.Close()
		}
	})
	t.Run("numbers of lanes", func(t *testing.T) { checkLanes(t, m) })
	t.Run("mistakes", func(t *testing.T) { mistakes(t, m) })
}

// symbols makes lanes of symbols, the same each time: stretches that come again, so that
// predictions become confident, and jumps.
func symbols(lanes, steps, alphabet int) [][]int32 {
	r := uint64(1)
	next := func(n int) int {
		r = r*6364136223846793005 + 1442695040888963407
		return int(r>>33) % n
	}
	text := make([][]int32, lanes)
	for l := range text {
		for i := range steps {
			if i > 8 && next(3) > 0 {
				text[l] = append(text[l], text[l][i-8])
				continue
			}
			text[l] = append(text[l], int32(next(alphabet)))
		}
	}
	return text
}

// ending lets lanes end early: the last third two symbols, the first of several one. Lanes
// are longest first, as in a block.
func ending(text [][]int32) [][]int32 {
	n := len(text)
	cut := slices.Clone(text)
	for l := range cut {
		switch {
		case l >= n-n/3:
			cut[l] = cut[l][:max(1, len(cut[l])-2)]
		case l > 0:
			cut[l] = cut[l][:max(1, len(cut[l])-1)]
		}
	}
	return cut
}

// prints are fingerprints of frequencies, by step and lane; 0 where none were asked for.
type prints [][]uint64

var seed = maphash.MakeSeed()

func fingerprint(freqs []uint32, total uint32) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, total)
	var b [1024]byte
	for len(freqs) > 0 {
		n := min(len(freqs), len(b)/4)
		for i, f := range freqs[:n] {
			b[4*i], b[4*i+1], b[4*i+2], b[4*i+3] = byte(f), byte(f>>8), byte(f>>16), byte(f>>24)
		}
		h.Write(b[:4*n])
		freqs = freqs[n:]
	}
	return h.Sum64() | 1
}

// compare compares what both have.
func compare(t *testing.T, got, want prints) {
	t.Helper()
	for step := range got {
		for lane, p := range got[step] {
			if p != 0 && p != want[step][lane] {
				t.Fatalf("step %d, lane %d of %d: other frequencies", step, lane, len(got[step]))
			}
		}
	}
}

func open(t *testing.T, m predict.Model, o predict.SessionOptions) predict.Session {
	t.Helper()
	s, err := m.NewSession(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func foresees(t *testing.T, m predict.Model) bool {
	s := open(t, m, predict.SessionOptions{Lanes: 1, Threads: 1})
	defer s.Close()
	_, ok := s.(predict.Foreseer)
	return ok
}
