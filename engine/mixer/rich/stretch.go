package rich

import (
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/lanes"
)

// A block may be coded in stretches, one after the other: with the model in all lanes, which
// are parts of the stretch, or by the mixer alone in a single lane. So lanes stay close
// together, and the model may be left where it doesn't help.

// stretches is the state of what has been coded and what has not.
type stretches struct {
	front int     // all before has been given to lanes
	open  []*span // what is not coded of that, in order

	turn  int                     // counts the bytes with the model
	worth [content.NumKinds]worth // of the judged ones in the stretch, by the kind of the run that they are in
	seen  *worth                  // that of the byte being coded, where it is judged
	mains []content.Kind          // kinds of the runs that the plan's segments are in

	// Of the decision being coded.
	judged         bool   // the byte is
	less           inputs // without the model
	without        decision
	pMixed, pAlone uint32
}

// span is a part of the block that lies open: bytes pos to end are not coded yet.
type span struct{ start, pos, end int }

// worth is what bytes have cost either way, in 1/65536 bit.
type worth struct {
	mixed, alone uint64
	bytes        int
}

const (
	// primeBytes is how far a lane looks back on what comes before its part.
	primeBytes = 64
	// judgeEvery is the number of bytes with the model of which one is judged. It has no divisor in common
	// with the usual numbers of lanes, so that all of them are judged. Before version 5 it was
	// judgeEveryFirst, for all kinds of content.
	judgeEvery      = 9
	judgeEveryFirst = 8
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
// so many lanes, or without in one, where that is 0.
func (x *Mixer) Begin(end, count int) {
	cut := lanes.Cut{Symbols: end - x.front, Lanes: max(count, 1)}
	if count > 0 {
		x.worth = [content.NumKinds]worth{}
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
// the mixer alone would have made of them, in 1/65536 bit. A byte of which others are not judged counts for
// them, too, where those of other kinds all are.
func (x *Mixer) Worth() (mixed, alone uint64) {
	for i, w := range x.worth {
		n := uint64(1)
		if x.cfg.Version >= versionByKind {
			n = uint64(judgeInterval(content.Kind(i)))
		}
		mixed += n * w.mixed
		alone += n * w.alone
	}
	return mixed, alone
}

// WorthOf is Worth of the bytes in runs of kind k (content.Plan.Runs), judged of them.
func (x *Mixer) WorthOf(k content.Kind) (mixed, alone uint64, judged int) {
	w := &x.worth[k]
	return w.mixed, w.alone, w.bytes
}

// judgeInterval is the number of bytes of kind k of which one is judged: all of what is no text, as the network of
// the mixer alone knows less of it at the start, and would learn too little from a few to be
// compared with one that learns from all.
func judgeInterval(k content.Kind) int {
	if k.IsText() {
		return judgeEvery
	}
	return 1
}

// judge chooses whether the lane's next byte, with the model or without, is judged.
func (x *Mixer) judge(l *lane, model bool) {
	x.judged = false
	if !x.cfg.Stretches || !model {
		return
	}
	kind := x.mains[l.segment]
	every := judgeEveryFirst
	if x.cfg.Version >= versionByKind {
		every = judgeInterval(kind)
	}
	x.turn++
	if x.judged = x.turn%every == 0; x.judged {
		x.seen = &x.worth[kind]
		x.seen.bytes++
	}
}

// mainKinds returns the kind of the run that each segment of a plan is in.
func mainKinds(p content.Plan) []content.Kind {
	kinds := make([]content.Kind, len(p))
	runs := p.Runs()
	at := 0
	for i, s := range p {
		for len(runs) > 1 && runs[0].End <= at {
			runs = runs[1:]
		}
		kinds[i] = runs[0].Kind
		at += s.Len
	}
	return kinds
}
