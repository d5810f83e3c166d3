package rich

import "github.com/llmz/llmz/engine/lanes"

// A block may be coded in stretches, one after the other: with the model in all lanes, which
// are parts of the stretch, or by the mixer alone in a single lane. So lanes stay close
// together, and the model may be left where it doesn't help.

// stretches is the state of what has been coded and what has not.
type stretches struct {
	front int     // all before has been given to lanes
	open  []*span // what is not coded of that, in order

	turn              int    // counts the bytes with the model
	mixed, mixerAlone uint64 // what the judged ones have cost either way, in 1/65536 bit

	// Of the decision being coded.
	judged         bool
	less           inputs // without the model
	without        decision
	pMixed, pAlone uint32
}

// span is a part of the block that lies open: bytes pos to end are not coded yet.
type span struct{ start, pos, end int }

const (
	// primeBytes is how far a lane looks back on what comes before its part.
	primeBytes = 64
	// judgeEvery is the number of bytes with the model of which one is judged.
	judgeEvery = 8
)

// claim opens the bytes from the front up to end, exclusive.
func (x *Mixer) claim(end int) *span {
	s := &span{x.front, x.front, end}
	x.front = end
	x.open = append(x.open, s)
	return s
}

// close forgets a span that has been coded.
func (x *Mixer) close(s *span) {
	for i, o := range x.open {
		if o == s {
			x.open = append(x.open[:i], x.open[i+1:]...)
			return
		}
	}
}

// spanAt returns the last open span that starts before or at position p, nil if there is none.
func (x *Mixer) spanAt(p int) *span {
	lo, hi := 0, len(x.open)
	for lo < hi {
		if m := (lo + hi) / 2; x.open[m].start <= p {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == 0 {
		return nil
	}
	return x.open[lo-1]
}

// written tells whether the byte at position p of the block has been coded.
func (x *Mixer) written(p int) bool {
	if p >= x.front {
		return false
	}
	s := x.spanAt(p)
	return s == nil || p < s.pos || p >= s.end
}

// known returns the position from which on all bytes before p have been coded.
func (x *Mixer) known(p int) int {
	s := x.spanAt(p - 1)
	switch {
	case s == nil:
		return 0
	case p <= s.pos:
		return x.known(s.start)
	}
	return min(p, s.end)
}

// Begin starts a stretch, where the last one ended, up to end, exclusive: with the model in
// all lanes, or without in one.
func (x *Mixer) Begin(end int, model bool) {
	cut := lanes.Cut{Symbols: end - x.front, Lanes: 1}
	if model {
		cut.Lanes = min(len(x.lanes), max(cut.Symbols, 1))
		x.mixed, x.mixerAlone = 0, 0
	}
	for i := range cut.Lanes {
		x.enter(&x.lanes[i], x.front+cut.Len(i))
	}
}

// enter gives the bytes from the front up to end, exclusive, to a lane.
func (x *Mixer) enter(l *lane, end int) {
	start := x.front
	goesOn := l.pos == start && l.span != nil
	l.span, l.end = x.claim(end), end
	if !goesOn {
		*l = lane{own: l.own, id: l.id, sets: l.sets, span: l.span, end: end, c0: 1, node: 1}
		l.from = x.known(start)
		l.pos = max(l.from, start-primeBytes)
		x.enterSegment(l)
		for l.pos < start {
			if l.pos >= l.nextSegment {
				x.enterSegment(l)
			}
			b := x.hist[l.pos]
			l.pos++
			l.see(x, b)
		}
	}
	x.beginByte(l)
}

// Worth returns what the judged bytes of the last stretch with the model have cost, and what
// the mixer alone would have made of them, in 1/65536 bit.
func (x *Mixer) Worth() (mixed, alone uint64) { return x.mixed, x.mixerAlone }

// judge chooses whether the next byte, with the model or without, is judged.
func (x *Mixer) judge(model bool) {
	x.judged = false
	if x.cfg.Stretches && model {
		x.turn++
		x.judged = x.turn%judgeEvery == 0
	}
}
