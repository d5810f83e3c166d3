package lm

import "time"

// A governor chooses how many threads run a step. It never changes the output.
//
// llama.cpp's threads meet at a barrier after every operation and spin there. If
// another program holds one core, all wait for the thread that lost it, and a
// step takes many times as long as on fewer threads: ten to thirty times, seconds
// with a large model. So the governor looks whether the cores are free before it
// gives a step more threads, and again when a step was slow. What it cannot see
// that way it learns from the steps: now and then it runs a few with another
// number of threads, and stays with it if they were faster. A number of threads
// that was left because it was slow is tried again later and later.
type governor struct {
	most, cur int
	// free tells whether so many cores are free; it takes some milliseconds.
	free func(n int) bool

	clock    float64 // seconds of steps so far
	mean     float64 // smoothed duration of a step with cur threads, in seconds; 0: unknown
	slow     int     // steps in a row that were much slower than mean
	next     float64 // clock of the next trial
	look     float64 // clock from which free may be asked again after a slow step
	forced   float64 // clock of the next trial of more threads although free says no
	upWait   float64 // seconds to wait before trying more threads
	downWait float64 // seconds to wait before trying fewer
	raised   float64 // clock when the threads last became more
	up       bool    // the trial is of more threads
	against  bool    // the trial is of more threads although free says no

	trial int // threads on trial, 0: none
	steps int // of the trial, or since the last one
	spent float64
}

const (
	trialSteps = 3
	trialTime  = 0.015 // seconds; a trial has at least so many steps and takes so long
	lookWait   = 1     // seconds between two looks at the cores: they take a hundredth of it
	// The least and the most seconds to wait before trying more threads, and fewer.
	upMin, upMax     = 0.25, 16
	downMin, downMax = 2, 64
	// The seconds before fewer threads are tried first: free has just told that the
	// cores are.
	downFirst = 4

	slowFactor = 1.6
	slowSteps  = 2
	// What a trial must take, relative to the mean, to win.
	winDown, winUp = 0.93, 0.85
	// What a trial's steps have taken, relative to the mean, when it ends early. Fewer
	// threads on free cores take nearly twice as long, which the first step shows.
	lostDown, lostUp = 1.3, 2
)

// newGovernor starts with as many threads as there are free cores, at most most.
func newGovernor(most int, free func(n int) bool) *governor {
	most = max(most, 1)
	g := &governor{most: most, cur: most, free: free, next: downFirst, upWait: upMin, downWait: downMin, forced: upMax}
	if g.yield(); g.cur < most {
		g.next = lookWait
	}
	return g
}

// yield leaves the cores that others hold to them.
func (g *governor) yield() {
	for g.cur > 1 && !g.free(g.cur) {
		g.cur = max(1, g.cur/2)
		g.mean = 0
	}
}

// threads returns the number of threads for the next step.
func (g *governor) threads() int {
	if g.trial != 0 {
		return g.trial
	}
	return g.cur
}

// observe takes the duration of the step just done.
func (g *governor) observe(d time.Duration) {
	if g.most == 1 {
		return
	}
	s := d.Seconds()
	g.clock += s
	g.steps++
	if g.trial != 0 {
		g.spent += s
		g.endTrial()
		return
	}
	switch {
	case g.mean == 0:
		g.mean = s
	case s > slowFactor*g.mean:
		if g.cur > 1 && g.clock >= g.look {
			g.look = g.clock + lookWait
			if g.yield(); g.mean == 0 {
				g.steps, g.slow, g.next = 0, 0, g.clock+lookWait
				return
			}
		}
		if g.slow++; g.slow >= slowSteps && g.cur > 1 {
			g.next, g.downWait = g.clock, downMin
		}
		g.mean += (s - g.mean) / 4
	default:
		g.slow = 0
		g.mean += (s - g.mean) / 4
	}
	if g.clock < g.next || g.steps <= trialSteps {
		return
	}
	g.up = g.cur < g.most && (g.cur == 1 || !g.up) && g.slow < slowSteps
	g.trial = max(1, g.cur/2)
	if g.up {
		g.trial = min(2*g.cur, g.most)
		if g.against = !g.free(g.trial); g.against && g.clock < g.forced {
			g.trial, g.next = 0, g.clock+lookWait
			return
		}
	}
	g.steps, g.spent = 0, 0
}

func (g *governor) endTrial() {
	n := float64(g.steps)
	win, lose := winDown, lostDown
	if g.up {
		win, lose = winUp, lostUp
	}
	lost := g.spent > lose*g.mean*n
	if !lost && (g.steps < trialSteps || g.spent < trialTime) {
		return
	}
	won := g.spent < win*g.mean*n
	switch {
	case won && g.up:
		g.raised = g.clock
		g.downWait = downMin
	case g.up && g.against:
		g.forced = g.clock + 4*upMax
	case g.up:
		g.upWait = min(2*g.upWait, upMax)
	case won && g.clock-g.raised < 4*g.upWait+1:
		g.upWait = min(2*g.upWait, upMax) // more threads did not last
	case won:
		g.upWait = upMin
	default:
		g.downWait = min(2*g.downWait, downMax)
	}
	if won {
		g.cur, g.mean = g.trial, g.spent/n
	}
	wait := g.downWait
	if g.cur == 1 || g.cur < g.most && !g.up {
		wait = g.upWait
	}
	if g.up && g.against && !won {
		wait = lookWait
	}
	g.next = g.clock + wait
	g.trial, g.steps, g.slow = 0, 0, 0
}
