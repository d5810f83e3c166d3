package engine

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// foresightModel checks that its sessions are fed what they were told, and counts those
// that were told anything.
type foresightModel struct {
	*fakeModel
	told int
}

func (m *foresightModel) NewSession(ctx context.Context, o predict.SessionOptions) (predict.Session, error) {
	s, err := m.fakeModel.NewSession(ctx, o)
	return &foresightSession{Session: s, m: m, lanes: o.Lanes}, err
}

type foresightSession struct {
	predict.Session
	m     *foresightModel
	lanes int
	known predict.Known
	steps int
}

func (s *foresightSession) Foresee(known predict.Known) {
	s.m.told++
	s.known = known
}

func (s *foresightSession) Step(prev []int32) error {
	if s.known != nil {
		if n := s.known.Active(s.lanes, s.steps); n != len(prev) {
			return fmt.Errorf("step %d: %d lanes foreseen, not %d", s.steps, n, len(prev))
		}
		for i, v := range prev {
			if s.steps > 0 && s.known(i, s.steps-1) != v {
				return fmt.Errorf("step %d, lane %d: %d was foreseen, not %d", s.steps, i, s.known(i, s.steps-1), v)
			}
		}
	}
	s.steps++
	return s.Session.Step(prev)
}

// TestForesee: the encoder tells a session what is coming, the decoder does not, and the
// archive is the same as without.
func TestForesee(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")[:5003]
	for _, lanes := range []int{1, 2, 7} {
		for _, noMix := range []bool{true, false} {
			// Two blocks, as an only one may be coded in other ways, too.
			want, _ := compress(t, data, Options{Model: newFakeModel("fake"), Lanes: lanes, NoMix: noMix, BlockSize: 4000})
			m := &foresightModel{fakeModel: newFakeModel("fake")}
			got, _ := compress(t, data, Options{Model: m, Lanes: lanes, NoMix: noMix, BlockSize: 4000})
			if !bytes.Equal(got, want) {
				t.Errorf("%d lanes: another archive", lanes)
			}
			// A model that may rest is not told.
			if m.told > 0 != (noMix || lanes > 1) {
				t.Errorf("%d lanes, not mixed %v: foreseen %d times", lanes, noMix, m.told)
			}
			told := m.told
			back, _, err := decompress(got, ReadOptions{Models: fakeResolver{m}})
			if err != nil || !bytes.Equal(back, data) {
				t.Errorf("%d lanes: %v", lanes, err)
			}
			if m.told != told {
				t.Errorf("%d lanes: the decoder foresees", lanes)
			}
		}
	}
}
