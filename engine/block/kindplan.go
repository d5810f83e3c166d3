package block

import (
	"math/bits"

	"github.com/llmz/llmz/engine/content"
)

// From mixer version 5 on, where stretches begin and end depends on the kinds of content in the
// block, too, which are in its record: what a model is worth is judged kind by kind. So it is
// back at the first byte of a text that follows an image, and leaves off where the next image begins.

const (
	// trialLen is how much of a kind that is not text shows whether the model is of use to it.
	trialLen = 4 << 10
	// runLane is how many bytes a lane has at least of what is not all of the block.
	runLane = 48 << 10
	// knownFirst is how many times as long the first stretch is where the model has been of use to the kind before.
	knownFirst = 4
	// leastJudged is how many bytes must have been judged of a kind in a stretch that has more of another.
	leastJudged = 1 << 10
)

// kindJudge tells what a stretch with the model has cost in bytes of a kind, what it would have cost
// without it, and by how many bytes it knows.
type kindJudge interface {
	WorthOf(k content.Kind) (mixed, alone uint64, judged int)
}

// kindPlan says how a block goes on whose kinds of content are known.
type kindPlan struct {
	mixer kindJudge
	lanes int
	runs  []content.Run
	run   int // the one that the next byte is in
	at    int
	kinds [content.NumKinds]kindUse

	// Of the last stretch.
	size  int // its length, 0 where it was without the model
	trial bool
	count int // lanes
}

// kindUse is what is known of the model's use to a kind of content.
type kindUse struct {
	tried bool // and found of use since it rested
	rest  int  // bytes to come without it
	alone int  // the length of the last rest
}

func newKindPlan(m kindJudge, lanes int, p content.Plan) *kindPlan {
	return &kindPlan{mixer: m, lanes: lanes, runs: p.Runs()}
}

func (p *kindPlan) len() int { return p.runs[len(p.runs)-1].End }

func (p *kindPlan) ended() bool { return p.at == p.len() }

func (p *kindPlan) next() (n, lanes int) {
	kind := p.runs[p.run].Kind
	use := &p.kinds[kind]
	if use.rest > 0 {
		p.size, p.trial = 0, false
		n = p.resting()
	} else {
		n = p.asked(kind)
		lanes = min(p.count, max(n/firstLane, 1))
	}
	for p.at += n; p.run < len(p.runs)-1 && p.runs[p.run].End <= p.at; p.run++ {
	}
	return n, lanes
}

// first is the length of the first stretch with the model.
func (p *kindPlan) first() int { return firstLane * p.lanes }

// resting returns how far the model is left out from here on.
func (p *kindPlan) resting() int {
	at := p.at
	for _, r := range p.runs[p.run:] {
		use := &p.kinds[r.Kind]
		if use.rest == 0 {
			break
		}
		left := r.End - at
		if left-use.rest < p.first() {
			use.rest = max(use.rest-left, 0)
			at = r.End
			continue
		}
		at += use.rest
		use.rest = 0
		break
	}
	return at - p.at
}

// asked returns the length of the next stretch, with the model. It ends where the model rests, and
// where a kind begins for which it must be tried.
func (p *kindPlan) asked(kind content.Kind) int {
	began := p.size == 0
	again := p.trial // the trial went well
	p.trial = !p.kinds[kind].tried && !kind.IsText()
	end := p.runs[p.run].End
	for _, r := range p.runs[p.run+1:] {
		next := &p.kinds[r.Kind]
		if p.trial || next.rest > 0 || !next.tried && !r.Kind.IsText() {
			break
		}
		end = r.End
	}
	left := end - p.at
	least := p.first()
	switch {
	case p.trial:
		p.size, least = trialLen, trialLen
	case began && p.kinds[kind].tried:
		p.size = knownFirst * p.first()
	case began:
		p.size = p.first()
	default:
		p.size = min(2*p.size, lastLane*p.lanes)
	}
	if left-p.size < least {
		p.size = left
	}
	switch {
	case left == p.len():
		p.count = p.lanes
	case began || again || p.trial:
		p.count = p.lanesFor(left)
	}
	return p.size
}

// lanesFor returns the number of lanes for n bytes: a power of two, if not all that the block has.
func (p *kindPlan) lanesFor(n int) int {
	return min(1<<(bits.Len(uint(max(n/runLane, 2)))-1), p.lanes)
}

// judge takes what the model has been worth in the last stretch, kind by kind.
func (p *kindPlan) judge() {
	most := 1
	for k := range p.kinds {
		_, _, judged := p.mixer.WorthOf(content.Kind(k))
		most = max(most, judged)
	}
	for k := range p.kinds {
		use := &p.kinds[k]
		mixed, alone, judged := p.mixer.WorthOf(content.Kind(k))
		switch {
		case judged < min(most, leastJudged):
		case !worth(mixed, alone):
			use.tried = false
			use.alone = min(max(2*use.alone, firstAlone), lastAlone)
			use.rest = use.alone
		default:
			if use.tried {
				use.alone = 0
			}
			use.tried = true
		}
	}
}

// hope is that for text, but what the model rests through.
func (p *kindPlan) hope([]byte) int {
	var text [content.NumKinds]int
	at := p.at
	for _, r := range p.runs[p.run:] {
		if r.Kind.IsText() {
			text[r.Kind] += r.End - at
		}
		at = r.End
	}
	n := 0
	for k := range text {
		n += max(0, text[k]-p.kinds[k].rest)
	}
	return n
}
