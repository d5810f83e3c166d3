package block

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// Mixed blocks of a bundled model of bytes that have several lanes are coded in
// stretches, one after the other: so their content comes out early, and the model is
// used only where it is worth its time. What it has just saved decides, which both sides
// know.

// Stretched tells whether a block with so many lanes, of a member with header h, is coded
// so.
func Stretched(h *archive.Header, lanes int) bool {
	return h.Mixer >= archive.MixerFast && mayLeave(h.Model) && lanes > 1
}

// mayLeave tells whether m may be left within a block: a model of bytes whose predictions
// are the same whenever and wherever it is asked.
func mayLeave(m *archive.Model) bool {
	return m != nil && !m.Tokens && m.Portability == uint8(predict.Portable)
}

const (
	// Stretches with the model grow as long as it is worth it, so that the first bytes
	// come soon and the model does not often start anew: bytes in a lane.
	firstLane = 2 << 10
	lastLane  = 128 << 10
	// Those without it grow, too.
	firstAlone = 512 << 10
	lastAlone  = 4 << 20
)

// A stretcher says how a block that is coded in stretches goes on.
type stretcher interface {
	// ended tells whether it does not.
	ended() bool
	// next returns the length of the next stretch, and in how many lanes the model is used in it:
	// 0 without.
	next() (n, lanes int)
	// judge takes what the model has been worth in the last one, where it was used.
	judge()
	// hope returns how many of the bytes to come, which are known, may be ones that a model that is being
	// left is of use for.
	hope(data []byte) int
}

// stretchPlan says how a block goes on of whose content nothing is known.
type stretchPlan struct {
	mixer   byteMixer
	lanes   int
	left    int  // bytes to go
	lane    int  // bytes in a lane of the last stretch with the model, 0 at first
	alone   int  // bytes in the last stretch without it
	model   bool // the last one had it
	useless bool // and did not need it
}

func (p *stretchPlan) ended() bool { return p.left == 0 }

func (p *stretchPlan) judge() { p.useless = !worth(p.mixer.Worth()) }

// hope is that for text, where the block is long enough for the model to come back.
func (p *stretchPlan) hope(data []byte) int {
	if len(data) <= firstAlone {
		return 0
	}
	return textIn(data)
}

func (p *stretchPlan) next() (n, lanes int) {
	if p.model && p.useless {
		p.model, p.lane = false, 0
		p.alone = min(max(2*p.alone, firstAlone), lastAlone)
		n = p.alone
	} else {
		if p.model && p.lane > firstLane {
			p.alone = 0
		}
		p.model = true
		p.lane = min(max(2*p.lane, firstLane), lastLane)
		n = p.lane * p.lanes
	}
	if p.left-n < firstLane*p.lanes {
		n = p.left // a short rest would be worth no start
	}
	p.left -= n
	if p.model {
		lanes = min(p.lanes, n)
	}
	return n, lanes
}

// worth tells whether a model is worth its time: it must save a thirty-second.
func worth(mixed, alone uint64) bool { return mixed+alone/32 <= alone }
