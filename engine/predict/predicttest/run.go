package predicttest

import (
	"sync"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// order is how a step's frequencies are asked for.
type order int

const (
	forwards  order = iota
	backwards       // the last lane first
	twice           // each lane, and then each again
	together        // all lanes at the same time
	seldom          // only in every third step, and there every other lane
)

// how is a way to run a session; none may matter.
type how struct {
	lanes    [][]int32 // longest first
	threads  int
	order    order
	foresee  bool
	maxSteps int
}

// run takes a session through all symbols of its lanes.
func run(t *testing.T, m predict.Model, h how) prints {
	t.Helper()
	s := open(t, m, predict.SessionOptions{Lanes: len(h.lanes), Threads: h.threads, MaxSteps: h.maxSteps})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if h.foresee {
		s.(predict.Foreseer).Foresee(predict.KnownLanes(h.lanes))
	}
	var p prints
	for step := range h.lanes[0] {
		p = append(p, advance(t, s, h, step))
	}
	return p
}

// feed returns the symbols that a step is fed: those of the lanes that have another one
// to predict.
func feed(lanes [][]int32, step int) []int32 {
	var prev []int32
	for _, l := range lanes {
		switch {
		case step >= len(l):
		case step == 0:
			prev = append(prev, predict.Start)
		default:
			prev = append(prev, l[step-1])
		}
	}
	return prev
}

// advance takes one step.
func advance(t *testing.T, s predict.Session, h how, step int) []uint64 {
	t.Helper()
	prev := feed(h.lanes, step)
	if err := s.Step(prev); err != nil {
		t.Fatalf("step %d: %v", step, err)
	}
	p := make([]uint64, len(prev))
	ask := func(lane int) { p[lane] = fingerprint(s.Freqs(lane)) }
	switch h.order {
	case backwards:
		for lane := len(p) - 1; lane >= 0; lane-- {
			ask(lane)
		}
	case twice:
		for lane := range p {
			ask(lane)
		}
		for lane := range p {
			ask(lane)
		}
	case together:
		var wg sync.WaitGroup
		for lane := range p {
			wg.Go(func() { ask(lane) })
		}
		wg.Wait()
	case seldom:
		for lane := step % 2; lane < len(p) && step%3 == 0; lane += 2 {
			ask(lane)
		}
	default:
		for lane := range p {
			ask(lane)
		}
	}
	return p
}

// sideBySide runs sessions of one model in turn and at the same time.
func sideBySide(t *testing.T, m predict.Model, text [][]int32, want prints) {
	h := how{lanes: text[:min(2, len(text))]}
	a := open(t, m, predict.SessionOptions{Lanes: len(h.lanes), Threads: 1})
	defer a.Close()
	b := open(t, m, predict.SessionOptions{Lanes: len(h.lanes), Threads: 2})
	defer b.Close()
	var pa, pb prints
	for step := range text[0] {
		pa = append(pa, advance(t, a, h, step))
		if step > 0 {
			pb = append(pb, advance(t, b, h, step-1))
		}
	}
	compare(t, pa, want)
	compare(t, pb, want)

	results := make([]prints, 2)
	var wg sync.WaitGroup
	for i := range results {
		s := open(t, m, predict.SessionOptions{Lanes: len(h.lanes), Threads: 1 + i})
		wg.Go(func() {
			defer s.Close()
			for step := range h.lanes[0] {
				prev := feed(h.lanes, step)
				if err := s.Step(prev); err != nil {
					t.Error(err)
					return
				}
				p := make([]uint64, len(prev))
				for lane := range p {
					p[lane] = fingerprint(s.Freqs(lane))
				}
				results[i] = append(results[i], p)
			}
		})
	}
	wg.Wait()
	for _, p := range results {
		if len(p) != len(text[0]) {
			t.Fatalf("%d steps of %d", len(p), len(text[0]))
		}
		compare(t, p, want)
	}
}
