package mixer

// In a block of a single lane, the model may rest: where bytes are easy, or where it saves
// too little.

// rests is the state of a block that is coded so.
type rests struct {
	ease   uint32 // mean cost of the last bytes, in 1/65536 bit
	beside bool   // the model is in use
	dense  int    // so many bytes with the model are all judged
	turns  [2]int // count the others, and those without
	judges int    // bytes judged

	unlearned bool // the mixer alone learns nothing from the byte being coded
}

const (
	// judgeEvery is the number of bytes of which one is judged.
	judgeEvery = 4
	// easyCost is the mean cost of bytes, in 1/65536 bit, below which no model is needed.
	easyCost = 65536 / 20
)

// Easy tells whether the model can hardly help with the next byte: the last ones cost next to
// nothing.
func (x *Mixer) Easy() bool { return x.ease < easyCost }

// Judge begins to add up anew what bytes cost with the model, and what they would cost
// without: of all of the next n, and of some after them. The mixer alone learns from these,
// and from as many of those that are coded without the model.
func (x *Mixer) Judge(n int) {
	x.beside, x.dense, x.judges = true, n, 0
	x.mixed, x.mixerAlone = 0, 0
}

// Judged returns the number of bytes that Worth is about.
func (x *Mixer) Judged() int { return x.judges }

// Fade halves the costs, so that later bytes count more, and counts bytes anew.
func (x *Mixer) Fade() {
	x.judges = 0
	x.mixed /= 2
	x.mixerAlone /= 2
}

// Rest tells that the model is not in use until Judge is called.
func (x *Mixer) Rest() { x.beside = false }

// pick chooses whether the next byte, with the model or without, is judged or learned from.
func (x *Mixer) pick(model bool) {
	x.judged, x.unlearned = false, false
	kind := 0
	switch {
	case !model && (!x.beside || x.dense > 0):
		return
	case !model:
		kind = 1
	case x.dense > 0:
		x.dense--
		x.judged = true
		x.judges++
		return
	}
	x.turns[kind]++
	chosen := x.turns[kind]%judgeEvery == 0
	x.judged, x.unlearned = model && chosen, !chosen
	if x.judged {
		x.judges++
	}
}
