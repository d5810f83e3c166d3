package block

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// In blocks of a bundled model of bytes that are mixed and have a single lane, the model is
// asked only where it may be of use: not where bytes are easy for the mixer, as in repeats,
// and not for a while after it has saved nothing. What has been coded decides, which both
// sides know.

// Rests tells whether a block with so many lanes, of a member with header h, is coded so.
func Rests(h *archive.Header, lanes int) bool {
	return h.Mixer == archive.MixerFast && mayLeave(h.Model) && lanes == 1
}

const (
	// catchUp is how many bytes a model sees again that has been left out for longer.
	catchUp = 32
	// The model is judged by so many bytes at first, and then again and again.
	judgeFirst = 2 << 10
	judgeNext  = 2 << 10
	// It rests for so many bytes, more each time.
	firstRest = 128 << 10
	lastRest  = 2 << 20
)

// restingMixer is what the mixer knows of it.
type restingMixer interface {
	Easy() bool
	Judge(n int)
	Judged() int
	Worth() (mixed, alone uint64)
	Fade()
	Rest()
}

// A rester says which bytes are coded with the model.
type rester struct {
	mixer   restingMixer
	started bool
	fed     int  // bytes that the model has seen
	tried   bool // and found worth its time
	enough  int  // bytes to judge by
	rest    int  // length of the last rest
	until   int  // where it ends
	early   bool // it rested the first time that it was judged
}

func newRester(m restingMixer) *rester {
	r := &rester{mixer: m}
	r.try()
	return r
}

// try begins to judge the model.
func (r *rester) try() {
	r.tried, r.enough = false, judgeFirst
	r.mixer.Judge(judgeFirst)
}

// step tells whether the byte at position pos is coded with the model, and lets the session
// see what is before it. Data up to pos is known.
func (r *rester) step(s predict.Session, data []byte, pos int) (bool, error) {
	if r.until > 0 && pos >= r.until {
		r.until = 0
		r.try()
	}
	if r.until == 0 && r.mixer.Judged() >= r.enough {
		if !r.worth() {
			r.early = r.early || !r.tried && r.rest == 0
			r.rest = min(max(2*r.rest, firstRest), lastRest)
			r.until = pos + r.rest
			r.mixer.Rest()
		} else {
			if r.tried {
				r.rest = 0
			}
			r.tried, r.enough = true, judgeNext
			r.mixer.Fade()
		}
	}
	if r.until > 0 || r.mixer.Easy() {
		return false, nil
	}
	var one [1]int32
	if !r.started {
		r.started = true
		one[0] = predict.Start
		if err := s.Step(one[:]); err != nil {
			return false, err
		}
	}
	for r.fed = max(r.fed, pos-catchUp); r.fed < pos; r.fed++ {
		one[0] = int32(data[r.fed])
		if err := s.Step(one[:]); err != nil {
			return false, err
		}
	}
	return true, nil
}

// worth tells whether the model is worth its time: it must save a fiftieth at first, and
// anything at all later.
func (r *rester) worth() bool {
	mixed, alone := r.mixer.Worth()
	if !r.tried {
		return mixed+alone/50 <= alone
	}
	return mixed < alone
}
