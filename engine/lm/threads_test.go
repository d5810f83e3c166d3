package lm

import (
	"math/rand/v2"
	"testing"
	"time"
)

// simulate runs n steps; cost gives the duration of a step by its threads.
func simulate(g *governor, n int, cost func(threads int) time.Duration) (total time.Duration) {
	for range n {
		d := cost(g.threads())
		total += d
		g.observe(d)
	}
	return total
}

// blind sees no other programs.
func blind(int) bool { return true }

func TestGovernor(t *testing.T) {
	idle := func(n int) time.Duration { return 80 * time.Millisecond / time.Duration(n) }
	busy := func(n int) time.Duration { // one of two cores is taken: two threads wait for each other
		if n == 1 {
			return 80 * time.Millisecond
		}
		return 400 * time.Millisecond
	}
	g := newGovernor(2, blind)
	if got, best := simulate(g, 2000, idle), 2000*idle(2); got > best*102/100 {
		t.Errorf("an idle machine: %v, %v with all threads", got, best)
	}
	if g.cur != 2 {
		t.Errorf("an idle machine: %d threads", g.cur)
	}
	// A run of four seconds does not look at fewer threads, a longer one pays a slow step.
	if got, want := simulate(newGovernor(2, blind), 100, idle), 100*idle(2); got != want {
		t.Errorf("four seconds on an idle machine: %v, want %v", got, want)
	}
	if got, most := simulate(newGovernor(2, blind), 120, idle), 119*idle(2)+idle(1); got > most {
		t.Errorf("a short run on an idle machine: %v, want %v", got, most)
	}
	if got, best := simulate(g, 200, busy), 200*busy(1); got > best*5/4 {
		t.Errorf("a busy machine: %v, %v with one thread", got, best)
	}
	if g.cur != 1 {
		t.Errorf("a busy machine: %d threads", g.cur)
	}
	simulate(g, 1500, idle)
	if g.cur != 2 {
		t.Errorf("idle again: %d threads", g.cur)
	}
	// A step that is done in no time: two threads suffer as much.
	g = newGovernor(2, blind)
	r := rand.New(rand.NewPCG(1, 2))
	noisy := func(n int) time.Duration {
		d := time.Duration(1+r.ExpFloat64()*0.3) * time.Millisecond
		if n == 2 {
			if d /= 2; r.IntN(4) == 0 {
				d += time.Duration(r.IntN(40)) * time.Millisecond
			}
		}
		return d
	}
	if got := simulate(g, 3000, noisy); got > 3000*3*time.Millisecond {
		t.Errorf("short steps on a busy machine: %v", got)
	}
	// From the start on a busy machine.
	g = newGovernor(2, blind)
	if got, best := simulate(g, 60, busy), 60*busy(1); got > best*2 {
		t.Errorf("busy from the start: %v, %v with one thread", got, best)
	}
	// Eight cores of which three are taken.
	g = newGovernor(8, blind)
	simulate(g, 3000, func(n int) time.Duration {
		if n > 5 {
			return 100 * time.Millisecond
		}
		return idle(n)
	})
	if g.cur != 4 && g.cur != 5 {
		t.Errorf("five of eight cores free: %d threads", g.cur)
	}
	g = newGovernor(0, blind)
	simulate(g, 10, idle)
	if g.threads() != 1 {
		t.Errorf("no threads asked for: %d", g.threads())
	}
}

// TestGovernorLooks has a machine of two cores on which another program comes and
// goes. A step on both cores takes twenty times as long then.
func TestGovernorLooks(t *testing.T) {
	taken := true
	looks := 0
	free := func(int) bool {
		looks++
		return !taken
	}
	cost := func(n int) time.Duration {
		switch {
		case n == 1:
			return 80 * time.Millisecond
		case taken:
			return 1600 * time.Millisecond
		}
		return 40 * time.Millisecond
	}
	g := newGovernor(2, free)
	if g.cur != 1 {
		t.Errorf("taken from the start: %d threads", g.cur)
	}
	if got, alone := simulate(g, 100, cost), 100*cost(1); got != alone {
		t.Errorf("taken from the start: %v, %v with one thread", got, alone)
	}
	if got, most := simulate(g, 5000, cost), 5000*cost(1)*11/10; got > most {
		t.Errorf("taken for long: %v, at most %v wanted", got, most)
	}
	if looks > 450 {
		t.Errorf("%d looks in %v", looks, 5100*cost(1))
	}
	taken = false
	simulate(g, 50, cost)
	if g.cur != 2 {
		t.Errorf("free again: %d threads", g.cur)
	}
	if got, best := simulate(g, 2000, cost), 2000*cost(2); got > best*102/100 {
		t.Errorf("free again: %v, %v with both threads", got, best)
	}
	taken = true
	if got, alone := simulate(g, 100, cost), 100*80*time.Millisecond; got > alone+alone/2 {
		t.Errorf("taken while at work: %v, %v with one thread", got, alone)
	}
	if g.cur != 1 {
		t.Errorf("taken while at work: %d threads", g.cur)
	}
	// It looks in vain, but steps are slow all the same.
	g = newGovernor(2, blind)
	if got, alone := simulate(g, 1000, cost), 1000*80*time.Millisecond; got > alone*3/2 {
		t.Errorf("looking in vain: %v, %v with one thread", got, alone)
	}
	// It sees programs that are not there.
	taken = false
	g = newGovernor(2, func(int) bool { return false })
	if got, best := simulate(g, 5000, cost), 5000*cost(2); got > best*115/100 {
		t.Errorf("seeing things: %v, %v with both threads", got, best)
	}
}
