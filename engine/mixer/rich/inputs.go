package rich

import "github.com/llmz/llmz/engine/content"

// An inputSet makes the contexts of one kind of content from what a lane has read. There
// is one for each lane and kind; it keeps its state while the lane is in segments of other
// kinds.
type inputSet interface {
	// begin is called when the lane comes into a segment of the kind: seg starts at position
	// start of the block. What the lane may look back on begins at l.from.
	begin(x *Mixer, l *lane, seg content.Segment, start int)
	// see takes the byte just coded, which is before l.pos.
	see(x *Mixer, l *lane, b byte)
	// contexts hashes the contexts of the next byte into ctx and returns how many there are.
	// A context need not differ from those at other indexes or of other kinds.
	contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int
	// selectors chooses among weights and final maps for the next byte.
	selectors(x *Mixer, l *lane) selectors
}

// bitInputs is what an inputSet implements that predicts bits directly.
type bitInputs interface {
	// predictBit writes stretched probabilities (stretchUnit is a nat, at most maxStretch)
	// that the next bit is a one; those that it leaves are 0. l.c0 are the bits of the byte so
	// far, after a leading one. It may change the selectors for this bit.
	predictBit(x *Mixer, l *lane, in *[numDirect]int32, s *selectors)
	// learnBit takes the bit.
	learnBit(x *Mixer, l *lane, bit uint32)
}

// selectors are small numbers by which an inputSet chooses.
type selectors struct {
	a, b  uint32 // weight vectors, each below selectorSize
	final uint32 // entry of the last adaptive map, below finalSize
}

const (
	selectorSize = 512
	finalSize    = 1024
)

// reading is a way of reading: how a mixer version reads a kind.
type reading struct {
	kind    content.Kind
	version int
}

// binary tells whether it reads content that is neither text nor image nor audio.
func (r reading) binary() bool {
	switch setOf(r.kind) {
	case content.Text, content.Image1, content.Image8, content.Image24, content.Audio:
		return false
	}
	return true
}

// lean tells whether it is that of leanInputs.
func (r reading) lean() bool { return setOf(r.kind) == content.Text && r.version == versionLean }

// units tells whether it is that of unitInputs.
func (r reading) units() bool { return r.binary() && r.version != versionFirst }

// newInputSet makes its input set.
func (r reading) newInputSet() inputSet {
	switch r.kind {
	case content.Text, content.Source, content.Markup, content.Table, content.Log:
		if r.lean() {
			return new(leanInputs)
		}
		return new(textInputs)
	case content.Image1:
		return new(image1Inputs)
	case content.Image8, content.Image24:
		return new(imageInputs)
	case content.Audio:
		return new(audioInputs)
	}
	if r.units() {
		return new(unitInputs)
	}
	return new(binaryInputs)
}

// schedule returns how networks learn that read so.
func (r reading) schedule() schedule {
	if r.units() {
		return schedule{slow: 30, fast: 120, final: 2}
	}
	return schedule{slow: 25, fast: 40, final: 1}
}
