package estimate

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
)

// TestFarRepetition: a text that comes a second time, far away and with changes,
// costs next to nothing then. A sample does not see that.
func TestFarRepetition(t *testing.T) {
	novel := text(t)
	again := slices.Clone(novel[:70_000])
	for i := 500; i < len(again); i += 900 {
		again[i] = 'Q'
	}
	in := slices.Concat(novel[:130_000], again)
	x, err := engine.Inspect(t.Context(), in, engine.InspectOptions{Lanes: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	const sample = 60_000
	costs := make([]float32, sample)
	var naive float64
	for i := range costs {
		costs[i] = x.Symbols[i].Bits
		naive += float64(costs[i]) * float64(len(in)) / sample
	}
	got := extend(in, costs, in)
	if off := got/x.Bits - 1; math.Abs(off) > 0.08 {
		t.Errorf("%.0f bits from the first %d bytes, in fact %.0f: %+.1f%%", got, sample, x.Bits, 100*off)
	}
	if off := naive/x.Bits - 1; off < 0.3 {
		t.Errorf("by the sample's rate it would be %+.1f%%: this is no test", 100*off)
	}
}

// TestCosts: time ends the sample, but not before it says something.
func TestCosts(t *testing.T) {
	in := slices.Concat(text(t), text(t))
	costs, err := costsOf(t.Context(), in, time.Nanosecond)
	if err != nil || len(costs) < leastCosts || len(costs) == len(in) {
		t.Errorf("%d costs of %d bytes, %v", len(costs), len(in), err)
	}
	costs, err = costsOf(t.Context(), in[:2000], time.Hour)
	if err != nil || len(costs) != 2000 {
		t.Errorf("%d costs of 2000 bytes, %v", len(costs), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := costsOf(ctx, in, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestWalk: every byte has a state; what recurs is known, the longer the better.
func TestWalk(t *testing.T) {
	type seen struct {
		s   state
		hit bool
	}
	see := func(in string) []seen {
		var all []seen
		walk([]byte(in), func(i int, s state, hit bool) {
			if i != len(all) {
				t.Fatalf("byte %d came as number %d", i, len(all))
			}
			all = append(all, seen{s, hit})
		})
		if len(all) != len(in) {
			t.Fatalf("%d of %d bytes", len(all), len(in))
		}
		return all
	}
	const once = "the first time that these words are said, all is new; "
	in := once + once + "the first time that they are not"
	all := see(in)
	n := len(once)
	for i, want := range map[int]seen{
		0:        {0, false},
		n - 1:    {0, false},
		n + 2:    {knownAt + 4, true},  // after three bytes that were followed by this once
		n + 7:    {knownAt + 12, true}, // after six
		n + 12:   {matchAt, true},      // twelve bytes are followed
		n + 17:   {matchAt + 1, true},
		n + 40:   {matchAt + 2, true},
		2*n + 23: {matchAt + 3, false}, // "they": not what came twice
		n + 46:   {matchAt + 2, true},
	} {
		if all[i] != want {
			t.Errorf("byte %d, after %q: %+v, want %+v", i, in[max(0, i-12):i], all[i], want)
		}
	}
}

func TestFollower(t *testing.T) {
	var f follower
	for range 300 {
		f = f.then(7, 'x')
	}
	if !f.seen(7) || f.seen(8) || f.byte() != 'x' || f.times() != 255 {
		t.Errorf("%#x", uint32(f))
	}
	if f = f.then(7, 'y'); f.byte() != 'x' || f.times() != 127 {
		t.Errorf("after a surprise: %#x", uint32(f))
	}
	if f = f.then(9, 'z'); !f.seen(9) || f.byte() != 'z' || f.times() != 1 {
		t.Errorf("another context: %#x", uint32(f))
	}
}
