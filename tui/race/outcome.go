package race

import (
	"sort"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
)

// laneView is what is drawn of a lane.
type laneView struct {
	name    string
	missing string
	note    string
	index   int // in the order of the entrants: gives the colour
	forth   feed.Snapshot
	back    feed.Snapshot
	oneWay  bool
}

func (l *laneView) failed() error {
	if l.forth.Err != nil {
		return l.forth.Err
	}
	return l.back.Err
}

// over is whether the lane will change no more.
func (l *laneView) over() bool {
	return l.missing != "" || l.failed() != nil || l.forth.State == feed.Done && (l.oneWay || l.back.State == feed.Done)
}

// finished is whether the lane has a result to rank.
func (l *laneView) finished() bool { return l.over() && l.missing == "" && l.failed() == nil }

// active returns the direction at work, or the last one.
func (l *laneView) active() *feed.Snapshot {
	if l.back.State != feed.Waiting {
		return &l.back
	}
	return &l.forth
}

// bpc is the BPC so far, 0 where it is not known yet. Compressors that write
// everything at the end have none before it.
func (l *laneView) bpc() float64 {
	if l.forth.State != feed.Done && l.forth.Fraction() < 0.02 {
		return 0
	}
	return l.forth.BPC()
}

// leaders returns the indices of the lanes that lead by size and by speed, -1
// where there is none yet.
func leaders(lanes []laneView) (size, speed int) {
	size, speed = -1, -1
	for i := range lanes {
		l := &lanes[i]
		if l.missing != "" || l.failed() != nil {
			continue
		}
		if b := l.bpc(); b > 0 && (size < 0 || b < lanes[size].bpc()) {
			size = i
		}
		if v := l.forth.Average; v > 0 && (speed < 0 || v > lanes[speed].forth.Average) {
			speed = i
		}
	}
	return size, speed
}

// ranking returns the lanes' indices, best first: by size, and after those that
// finished the ones that did not.
func ranking(lanes []laneView) []int {
	order := make([]int, len(lanes))
	for i := range order {
		order[i] = i
	}
	class := func(l *laneView) int {
		switch {
		case l.finished():
			return 0
		case l.missing != "":
			return 2
		}
		return 1
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := &lanes[order[a]], &lanes[order[b]]
		if cx, cy := class(x), class(y); cx != cy {
			return cx < cy
		}
		return class(x) == 0 && x.forth.Compressed < y.forth.Compressed
	})
	return order
}

func (c *Contest) views() []laneView {
	out := make([]laneView, len(c.lanes))
	for i, l := range c.lanes {
		out[i] = laneView{name: text.Clean(l.Name), missing: text.Clean(l.Missing), note: text.Clean(l.Note), index: i,
			forth: l.Forth.Snapshot(), back: l.Back.Snapshot(), oneWay: c.OneWay}
	}
	return out
}
