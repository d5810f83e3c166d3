package mixer

import (
	"github.com/llmz/llmz/engine/lanes"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// A block may be coded in stretches, one after the other: with the model in all
// lanes, which are parts of the stretch, or by the mixer alone in a single lane. So
// lanes stay close together, and the model may be left where it doesn't help.

// stretches is the state of a block that is coded so. Without, it is all one stretch.
type stretches struct {
	since, until int    // the stretch; all before it has been coded
	active       []lane // the lanes in it

	// alone is the network of the mixer alone. In stretches with the model, it follows
	// one lane, judge, to tell what would have come of it.
	alone    *net
	aloneAPM cm.APM
	judge    *lane
	begun    int // stretches with the model so far

	mixed, mixerAlone uint64 // what the lane has cost either way, in 1/65536 bit

	// Of the decision being coded.
	judged         bool
	less           inputs // without the model
	without        decision
	pMixed, pAlone uint32
}

// primeBytes is how far a lane looks back on what came before the stretch.
const primeBytes = 64

// Begin starts a stretch, where the last one ended, up to end, exclusive: with the model
// in so many lanes, or without in one, where that is 0.
func (x *Mixer) Begin(end, count int) {
	x.since, x.until = x.until, end
	cut := lanes.Cut{Symbols: end - x.since, Lanes: max(count, 1)}
	if count > 0 {
		x.judge = &x.lanes[x.begun%cut.Lanes]
		x.begun++
	}
	x.mixed, x.mixerAlone = 0, 0
	x.active = x.lanes[:cut.Lanes]
	for i := range x.active {
		at := x.since + cut.Start(i)
		l := &x.active[i]
		*l = lane{own: l.own, id: l.id, mode: l.mode, oddness: l.oddness, rec: l.rec, start: at, end: at + cut.Len(i)}
	}
	for i := range x.active {
		x.enter(&x.active[i])
	}
}

// enter makes a lane ready for the first byte of its part of a stretch. Only the first
// one knows what came before.
func (x *Mixer) enter(l *lane) {
	l.c0, l.node = 1, 1
	l.from = l.start
	if l.start == x.since {
		l.from = 0
	}
	l.pos = max(l.from, l.start-primeBytes)
	l.lineStart, l.lastLine = l.pos, l.pos
	for l.pos < l.start {
		b := x.hist[l.pos]
		l.pos++
		l.see(b)
	}
	x.beginByte(l)
}

// Worth returns what the stretch with the model has cost, and what the mixer alone would
// have cost in its place, in 1/65536 bit, as seen in one of the lanes.
func (x *Mixer) Worth() (mixed, alone uint64) { return x.mixed, x.mixerAlone }

// compare adds up what the bit just coded has cost either way.
func (x *Mixer) compare(bit uint32) {
	x.mixed += uint64(cm.Cost(x.pMixed, bit))
	x.mixerAlone += uint64(cm.Cost(x.pAlone, bit))
}
