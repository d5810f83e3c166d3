package lm

import "time"

// A governor chooses how many threads run a step. It never changes the output.
//
// llama.cpp's threads meet at a barrier after every operation and spin there. If
// another program holds one core, all wait for the thread that lost it, and a
// step takes many times as long as on fewer threads. So now and then, and soon
// after steps became slow, the governor runs a few steps with another number of
// threads, and stays with it if they were faster. A number of threads that was
// left because it was slow is tried again later and later.
type governor struct {
	most, cur int
	clock     float64 // seconds of steps so far
	mean      float64 // smoothed duration of a step with cur threads, in seconds; 0: unknown
	slow      int     // steps in a row that were much slower than mean
	next      float64 // clock of the next trial
	upWait    float64 // seconds to wait before trying more threads
	downWait  float64 // seconds to wait before trying fewer
	raised    float64 // clock when the threads last became more
	up        bool    // the trial is of more threads

	trial int // threads on trial, 0: none
	steps int // of the trial, or since the last one
	spent float64
}

const (
	trialSteps = 3
	trialTime  = 0.015 // seconds; a trial has at least so many steps and takes so long
	minWait    = 0.25  // seconds
	maxWait    = 16
	slowFactor = 1.6
	slowSteps  = 2
	// What a trial must take, relative to the mean, to win.
	winDown, winUp = 0.93, 0.85
	// lostFactor ends a trial early.
	lostFactor = 2
)

func newGovernor(most int) *governor {
	most = max(most, 1)
	return &governor{most: most, cur: most, upWait: minWait, downWait: minWait}
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
		if g.slow++; g.slow >= slowSteps && g.cur > 1 {
			g.next, g.downWait = g.clock, minWait
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
	}
	g.steps, g.spent = 0, 0
}

func (g *governor) endTrial() {
	n := float64(g.steps)
	lost := g.spent > lostFactor*g.mean*n
	if !lost && (g.steps < trialSteps || g.spent < trialTime) {
		return
	}
	win := winDown
	if g.up {
		win = winUp
	}
	won := g.spent < win*g.mean*n
	switch {
	case won && g.up:
		g.raised = g.clock
		g.downWait = minWait
	case g.up:
		g.upWait = min(2*g.upWait, maxWait)
	case won && g.clock-g.raised < 4*g.upWait+1:
		g.upWait = min(2*g.upWait, maxWait) // more threads did not last
	case won:
		g.upWait = minWait
	default:
		g.downWait = min(2*g.downWait, maxWait)
	}
	if won {
		g.cur, g.mean = g.trial, g.spent/n
	}
	wait := g.downWait
	if g.cur == 1 || g.cur < g.most && !g.up {
		wait = g.upWait
	}
	g.next = g.clock + wait
	g.trial, g.steps, g.slow = 0, 0, 0
}
