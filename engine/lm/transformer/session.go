package transformer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/llmz/llmz/engine/lm/freq"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
)

// What is computed for a token depends on the tokens before it in its lane and on
// nothing else: not on other lanes, and not on how many tokens are evaluated at once.
// So there is no schedule to keep but that of the window:
//
//   - The first token of each lane is the vocabulary's start symbol.
//   - When all ctx positions are taken, the last keep tokens of each lane are
//     evaluated anew from position 0; the newest of them is the ordinary step.

// The columns of a step that evaluates what is known beforehand are enough for the
// products to run near the processor's peak, and some tokens of each lane, which read
// its keys and values together.
const (
	batchColumns = 64
	batchTokens  = 8
	maxColumns   = 128
)

// columns returns the largest number of columns of a session's steps.
func columns(lanes int) int {
	return max(lanes, min(max(batchColumns, batchTokens*lanes), maxColumns))
}

// session is the state of the lanes of one block.
type session struct {
	ctx     context.Context
	m       *Model
	threads int
	lanes   int
	active  int          // lanes that have not ended
	program ggml.Program // nil before the first step
	step

	known [][]int32 // what Foresee was told
	steps int       // done
	pos   int       // the next position to evaluate, the same in all lanes
	// ahead counts the steps whose results are there already. Those of the step that
	// is on are in the columns that column gives for the lanes.
	ahead  int
	column []int
	// tail holds each lane's newest tokens, at least keep once there are as many.
	tail [][]int32

	freqs [][]uint32
	total []uint32
	ready []bool
	infer time.Duration
}

func (m *Model) newSession(ctx context.Context, o predict.SessionOptions) (*session, error) {
	if o.Lanes < 1 {
		return nil, fmt.Errorf("session with %d lanes", o.Lanes)
	}
	s := &session{
		ctx: ctx, m: m, threads: max(o.Threads, 1), lanes: o.Lanes, active: o.Lanes,
		column: make([]int, o.Lanes),
		tail:   make([][]int32, o.Lanes),
		freqs:  make([][]uint32, o.Lanes),
		total:  make([]uint32, o.Lanes),
		ready:  make([]bool, o.Lanes),
	}
	return s, m.graph(columns(s.lanes), s.lanes).Err()
}

// Foresee tells the session what each lane's symbols will be, so that it can evaluate
// several at once. Steps give the same results as without. It must be called before
// the first.
func (s *session) Foresee(lanes [][]int32) {
	if s.program == nil && len(lanes) == s.lanes {
		s.known = lanes
	}
}

func (s *session) start() (err error) {
	s.step = s.m.graph(columns(s.lanes), s.lanes)
	s.program, err = s.m.backend.Compile(s.Graph, ggml.CompileOptions{Threads: s.threads})
	return err
}

var (
	errLanes   = errors.New("no lanes, or more than before")
	errForesee = errors.New("a symbol is not the one that was foreseen")
)

// Step evaluates the symbols just coded, unless that has been done already.
func (s *session) Step(prev []int32) error {
	if len(prev) > s.active || len(prev) == 0 {
		return errLanes
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	began := time.Now()
	if s.program == nil {
		if err := s.start(); err != nil {
			return err
		}
	}
	for _, t := range prev {
		if t != predict.Start && (t < 0 || int(t) >= s.m.config.Vocab) {
			return fmt.Errorf("token %d is not in the vocabulary", t)
		}
	}
	s.active = len(prev)
	for i, t := range prev {
		if t == predict.Start {
			t = s.m.bos
		}
		if s.known != nil && t != s.foreseen(i, s.steps) {
			return errForesee
		}
		s.remember(i, t)
	}
	clear(s.ready)
	if s.ahead > 0 {
		s.ahead--
		for i := range s.column {
			s.column[i]++
		}
	} else if err := s.evaluate(prev); err != nil {
		return err
	}
	s.steps++
	s.infer += time.Since(began)
	return nil
}

// foreseen returns the token that lane i is fed in a step.
func (s *session) foreseen(lane, step int) int32 {
	if step == 0 {
		return s.m.bos
	}
	return s.known[lane][step-1]
}

// evaluate computes the step that prev is fed to, and those after it that are known
// and fit into the columns and into the window.
func (s *session) evaluate(prev []int32) error {
	if s.pos == s.m.set.ctx {
		if err := s.refill(len(prev)); err != nil {
			return err
		}
	}
	steps := 1
	if s.known != nil {
		steps = max(1, min(columns(s.lanes)/len(prev), s.m.set.ctx-s.pos, len(s.known[0])-s.steps))
	}
	n := 0
	for i := range prev {
		s.column[i] = n
		n = s.put(n, s.tail[i][len(s.tail[i])-1], i, s.pos)
		for j := 1; j < steps && s.steps+j < len(s.known[i]); j++ {
			n = s.put(n, s.foreseen(i, s.steps+j), i, s.pos+j)
		}
	}
	s.program.Step(n)
	s.pos += steps
	s.ahead = steps - 1
	return nil
}

// put fills column n and returns the number of the next.
func (s *session) put(n int, token int32, lane, pos int) int {
	s.program.Int32s(s.tokens)[n] = token
	s.program.Int32s(s.seq)[n] = int32(lane)
	s.program.Int32s(s.step.pos)[n] = int32(pos)
	return n + 1
}

// remember adds a token to a lane's tail.
func (s *session) remember(lane int, t int32) {
	tail := s.tail[lane]
	if n := 2 * s.m.set.keep; len(tail) == n {
		tail = tail[:copy(tail, tail[n-s.m.set.keep+1:])]
	}
	s.tail[lane] = append(tail, t)
}

// refill evaluates the tails of the first n lanes anew, but for their newest tokens,
// which are left to the step.
func (s *session) refill(n int) error {
	keep, c := s.m.set.keep, 0
	for lane := range n {
		tail := s.tail[lane]
		for p := range keep - 1 {
			c = s.put(c, tail[len(tail)-keep+p], lane, p)
			if c < columns(s.lanes) && (p < keep-2 || lane < n-1) {
				continue
			}
			if err := s.ctx.Err(); err != nil {
				return err
			}
			s.program.StepTo(c, s.stored)
			c = 0
		}
	}
	s.pos = keep - 1
	return nil
}

// Freqs returns a lane's frequencies, which it computes when they are first asked for:
// so several goroutines can share the work.
func (s *session) Freqs(lane int) ([]uint32, uint32) {
	if !s.ready[lane] {
		s.freqs[lane], s.total[lane] = freq.FromLogits(s.program.Float32s(s.logits, s.column[lane]))
		s.ready[lane] = true
	}
	return s.freqs[lane], s.total[lane]
}

// StageTimes returns the time spent on the network, and the part of it that went into
// the caches.
func (s *session) StageTimes() (infer, update int64) {
	if s.program == nil {
		return 0, 0
	}
	_, u := s.program.Times()
	return (s.infer - min(u, s.infer)).Nanoseconds(), u.Nanoseconds()
}

// Close frees the state.
func (s *session) Close() error {
	if s.program == nil {
		return nil
	}
	return s.program.Close()
}
