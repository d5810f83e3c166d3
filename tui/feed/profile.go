package feed

import (
	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/text"
)

// Share is a stage's part of the time.
type Share struct {
	Stage   engine.Stage
	Name    string
	Seconds float64
	Tenths  int // of a percent; those of a profile add up to 1000
}

// Shares returns the stages that took any time, in their fixed order, so that
// they do not change places on the screen.
func (s *Snapshot) Shares() []Share {
	values := make([]float64, engine.NumStages)
	for i, d := range s.Profile {
		values[i] = d.Seconds()
	}
	var out []Share
	for i, tenths := range text.Shares(values) {
		if values[i] > 0 {
			st := engine.Stage(i)
			out = append(out, Share{st, st.Name(s.Direction), values[i], tenths})
		}
	}
	return out
}
