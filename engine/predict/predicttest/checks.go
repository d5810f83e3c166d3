package predicttest

import (
	"context"
	"runtime"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// checkFreqs checks the frequencies themselves: one for each symbol, none of them zero, and
// their sum.
func checkFreqs(t *testing.T, m predict.Model, text [][]int32) {
	s := open(t, m, predict.SessionOptions{Lanes: len(text), Threads: 1})
	defer s.Close()
	alphabet := m.Info().Alphabet
	for step := range min(len(text[0]), 8) {
		prev := feed(text, step)
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
		for lane := range prev {
			freqs, total := s.Freqs(lane)
			if len(freqs) != alphabet {
				t.Fatalf("%d frequencies of %d symbols", len(freqs), alphabet)
			}
			var sum uint64
			for i, f := range freqs {
				if f == 0 {
					t.Fatalf("step %d, lane %d: symbol %d has no frequency", step, lane, i)
				}
				sum += uint64(f)
			}
			if sum != uint64(total) {
				t.Fatalf("step %d, lane %d: frequencies sum to %d, the total is %d", step, lane, sum, total)
			}
		}
	}
	if infer, update := s.StageTimes(); infer < 0 || update < 0 {
		t.Errorf("stage times %d and %d", infer, update)
	}
}

// checkLanes: the number of lanes is at least one, never falls as blocks grow, and is the
// same whenever it is asked for. So are block size and threads.
func checkLanes(t *testing.T, m predict.Model) {
	last := 0
	for n := 1; n < 1<<30; n += 1 + n/3 {
		l := m.Lanes(n)
		if l < 1 || l < last || l != m.Lanes(n) {
			t.Fatalf("%d lanes for %d symbols, %d for fewer", l, n, last)
		}
		last = l
	}
	var memory int64
	for _, lanes := range []int{1, 2, 3, 8, 16} {
		if n := m.MemoryBytes(lanes); n < memory || n <= 0 {
			t.Errorf("%d bytes for %d lanes, %d for fewer", n, lanes, memory)
		} else {
			memory = n
		}
		if p := m.Preferences(lanes); p.Threads < 0 || p.BlockSize < 0 || p.LoadBytes < 0 || p != m.Preferences(lanes) {
			t.Errorf("%d lanes: preferences %+v, then %+v", lanes, p, m.Preferences(lanes))
		}
	}
}

// mistakes are errors, not panics, and leave a session usable.
func mistakes(t *testing.T, m predict.Model) {
	alphabet := int32(m.Info().Alphabet)
	start := []int32{predict.Start, predict.Start, predict.Start}
	s := open(t, m, predict.SessionOptions{Lanes: 2, Threads: 1})
	defer s.Close()
	for _, prev := range [][]int32{{}, start, {alphabet, 0}, {0, alphabet}, {-2, 0}, {0, 1 << 30}} {
		if err := s.Step(prev); err == nil {
			t.Errorf("step %v was accepted", prev)
		}
	}
	s = open(t, m, predict.SessionOptions{Lanes: 2, Threads: 1})
	defer s.Close()
	for _, prev := range [][]int32{start[:2], {0, 1}, {2}} {
		if err := s.Step(prev); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Step([]int32{3, 4}); err == nil {
		t.Error("a lane came back")
	}
	for _, lanes := range []int{0, -1} {
		if s, err := m.NewSession(context.Background(), predict.SessionOptions{Lanes: lanes, Threads: 1}); err == nil {
			s.Close()
			t.Errorf("a session of %d lanes was opened", lanes)
		}
	}
}

// memory compares what the model says that it and a session take with what they do take.
func (s Suite) memory(t *testing.T) {
	for _, lanes := range []int{s.Lanes[0], s.Lanes[len(s.Lanes)-1]} {
		before := s.Taken()
		m := s.Open(t, s.Kernels[0])
		session := open(t, m, predict.SessionOptions{Lanes: lanes, Threads: 2})
		text := symbols(lanes, min(s.Steps, 6), m.Info().Alphabet)
		if f, ok := session.(predict.Foreseer); ok {
			f.Foresee(predict.KnownLanes(text))
		}
		for step := range text[0] {
			advance(t, session, how{lanes: text}, step)
		}
		said := m.MemoryBytes(lanes)
		taken := s.Taken() - before
		if taken > said+s.Slack {
			t.Errorf("%d lanes: %d bytes were said, %d are taken", lanes, said, taken)
		}
		if said > 2*taken+s.Slack {
			t.Errorf("%d lanes: %d bytes were said, only %d are taken", lanes, said, taken)
		}
		runtime.KeepAlive(text)
		session.Close()
		m.Close()
	}
}

// heap returns the bytes that are in use on the Go heap.
func heap() int64 {
	var s runtime.MemStats
	for range 2 {
		runtime.GC()
	}
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
