package rnn

import (
	"errors"
	"fmt"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
)

// network is the graph of a model, with the tensors that a session uses.
type network struct {
	*ggml.Graph
	symbols, logits, freqs *ggml.Tensor
}

// graph describes a step of that many lanes.
func (m *Model) graph(lanes int) network {
	g := ggml.NewGraph(lanes)
	n := network{Graph: g, symbols: g.Input("symbols")}
	var below *ggml.Tensor
	for i, l := range m.layers {
		state := g.State(fmt.Sprintf("state %d", i), m.config.Hidden)
		var x *ggml.Tensor
		if i == 0 {
			x = g.GetRows(m.table, n.symbols)
		} else {
			x = g.MulMat(l.input, below)
		}
		p := g.MulMat(l.hidden, state.Past)
		if m.config.Cell == "gru" {
			below = g.GRU(x, p, state)
		} else {
			below = g.LSTM(x, p, state)
		}
	}
	n.logits = g.MulMat(m.fc, below)
	n.freqs = g.Freqs(n.logits)
	return n
}

// session is the state of the lanes of one block.
type session struct {
	network
	program ggml.Program
	active  int
	known   predict.Known // nil unless foreseen
	steps   int           // done
	begun   int           // lanes of the next step, which is under way; 0 if it is not
}

func (m *Model) newSession(o predict.SessionOptions) (*session, error) {
	s := &session{network: m.graph(o.Lanes), active: o.Lanes}
	var err error
	if s.program, err = m.backend.Compile(s.Graph, ggml.CompileOptions{Threads: max(o.Threads, 1), Ahead: true}); err != nil {
		return nil, err
	}
	return s, nil
}

// Foresee tells the session what each lane's symbols will be, so that a step can be under way
// while those of the last one are coded. It must be called before the first.
func (s *session) Foresee(known predict.Known) { s.known = known }

var errForesee = errors.New("rnn: a symbol is not the one that was foreseen")

// Step feeds each active lane the symbol just coded and computes the frequencies
// of the one after it.
func (s *session) Step(prev []int32) error {
	if len(prev) > s.active || len(prev) == 0 {
		return fmt.Errorf("rnn: step of %d lanes, with %d active", len(prev), s.active)
	}
	if s.known != nil {
		return s.foreseen(prev)
	}
	if err := s.feed(len(prev), func(lane int) int32 { return prev[lane] }); err != nil {
		return err
	}
	s.active = len(prev)
	s.program.Step(len(prev))
	return nil
}

// feed sets the inputs of a step of n lanes, each of which is fed a symbol.
func (s *session) feed(n int, symbol func(lane int) int32) error {
	in := s.program.Int32s(s.symbols)
	for i := range n {
		v := symbol(i)
		switch {
		case v == predict.Start:
			v = Alphabet
		case v < 0 || v >= Alphabet:
			return fmt.Errorf("rnn: symbol %d in lane %d is not a byte", v, i)
		}
		in[i] = v
	}
	return nil
}

// foreseen is Step where the symbols are known: it ends the step that is under way, and begins
// the next.
func (s *session) foreseen(prev []int32) error {
	for i, v := range prev {
		if v != s.fed(i, s.steps) {
			return errForesee
		}
	}
	if s.steps == 0 {
		if err := s.begin(len(prev)); err != nil {
			return err
		}
	}
	if len(prev) != s.begun {
		return errForesee
	}
	s.active = len(prev)
	s.program.End()
	s.steps++
	return s.begin(s.known.Active(s.active, s.steps))
}

// begin begins a step of n lanes, if there are any.
func (s *session) begin(n int) error {
	s.begun = n
	if n == 0 {
		return nil
	}
	if err := s.feed(n, func(lane int) int32 { return s.fed(lane, s.steps) }); err != nil {
		return err
	}
	s.program.Begin(n)
	return nil
}

// fed returns the symbol that a lane is fed in a step.
func (s *session) fed(lane, step int) int32 {
	if step == 0 {
		return predict.Start
	}
	return s.known(lane, step-1)
}

// Freqs returns the integer frequencies of lane's next byte.
func (s *session) Freqs(lane int) ([]uint32, uint32) { return s.program.Freqs(s.freqs, lane) }

// Logits returns what the frequencies of lane were computed from.
func (s *session) Logits(lane int) []float32 { return s.program.Float32s(s.logits, lane) }

// StageTimes returns the time spent so far on inference and on updating states,
// in nanoseconds.
func (s *session) StageTimes() (infer, update int64) {
	total, up := s.program.Times()
	return int64(total - up), int64(up)
}

// Close ends the session's threads.
func (s *session) Close() error {
	return s.program.Close()
}
