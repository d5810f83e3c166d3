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
//     evaluated anew from position 0; the newest of them is the ordinary step. Where
//     the model's windows begin with the start symbol, it takes the oldest one's place.

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

	known predict.Known // nil unless foreseen
	steps int           // done
	pos   int           // the next position to evaluate, the same in all lanes
	batch batch         // the one that is being coded
	next  batch         // the one that is under way, of no steps if none is
	// tail holds each lane's newest tokens, at least keep once there are as many. Where they
	// are known there is none.
	tail [][]int32

	freqs [][]uint32
	total []uint32
	ready []bool
	infer time.Duration
}

// A batch is the steps that are evaluated together: several where the tokens are known.
type batch struct {
	first, steps int
	column       []int // by lane, of the first step; those of a lane follow each other
}

func (m *Model) newSession(ctx context.Context, o predict.SessionOptions) (*session, error) {
	if o.Lanes < 1 {
		return nil, fmt.Errorf("session with %d lanes", o.Lanes)
	}
	s := &session{
		ctx: ctx, m: m, threads: max(o.Threads, 1), lanes: o.Lanes, active: o.Lanes,
		batch: batch{column: make([]int, o.Lanes)},
		next:  batch{column: make([]int, o.Lanes)},
		tail:  make([][]int32, o.Lanes),
		freqs: make([][]uint32, o.Lanes),
		total: make([]uint32, o.Lanes),
		ready: make([]bool, o.Lanes),
	}
	return s, m.graph(columns(s.lanes), s.lanes).Err()
}

// Foresee tells the session what each lane's symbols will be, so that it can evaluate
// several at once, and the next ones while the last are coded. Steps give the same results as
// without. It must be called before the first.
func (s *session) Foresee(known predict.Known) {
	if s.program == nil {
		s.known = known
	}
}

func (s *session) start() (err error) {
	s.step = s.m.graph(columns(s.lanes), s.lanes)
	s.program, err = s.m.backend.Compile(s.Graph, ggml.CompileOptions{Threads: s.threads, Ahead: s.known != nil})
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
	for i, t := range prev {
		if t == predict.Start {
			t = s.m.start.Token
		}
		switch {
		case s.known == nil:
			s.remember(i, t)
		case t != s.token(i, s.steps):
			return errForesee
		}
	}
	s.active = len(prev)
	clear(s.ready)
	if s.steps == s.batch.first+s.batch.steps {
		if err := s.evaluate(); err != nil {
			return err
		}
	}
	s.steps++
	s.infer += time.Since(began)
	return nil
}

// token returns the token that a lane is fed in a step: of those to come only where they are
// known, of others one of the last.
func (s *session) token(lane, step int) int32 {
	switch {
	case s.known == nil:
		return s.tail[lane][len(s.tail[lane])-1-s.steps+step]
	case step == 0:
		return s.m.start.Token
	}
	return s.known(lane, step-1)
}

// evaluate has the next batch evaluated, and where tokens are known the one after it begun.
func (s *session) evaluate() error {
	if s.next.steps == 0 {
		if err := s.begin(s.steps, s.active); err != nil {
			return err
		}
	}
	s.program.End()
	s.batch, s.next = s.next, s.batch
	s.next.steps = 0
	if s.known == nil {
		return nil
	}
	first := s.steps + s.batch.steps
	if n := s.known.Active(s.active, first); n > 0 {
		return s.begin(first, n)
	}
	return nil
}

// begin begins the batch of a step of n lanes, and of those after it that are known and fit
// into the columns and into the window.
func (s *session) begin(first, n int) error {
	if s.pos == s.m.set.ctx {
		if err := s.refill(first, n); err != nil {
			return err
		}
	}
	b := &s.next
	b.first, b.steps = first, 1
	if s.known != nil {
		b.steps = max(1, min(columns(s.lanes)/n, s.m.set.ctx-s.pos))
		for b.steps > 1 && s.known(0, first+b.steps-1) < 0 {
			b.steps--
		}
	}
	c := 0
	for i := range n {
		b.column[i] = c
		c = s.put(c, s.token(i, first), i, s.pos)
		for j := 1; j < b.steps && s.known(i, first+j) >= 0; j++ {
			c = s.put(c, s.token(i, first+j), i, s.pos+j)
		}
	}
	s.program.Begin(c)
	s.pos += b.steps
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

// refill evaluates the last tokens of the first n lanes before a step anew, but for the newest
// ones, which are left to the step.
func (s *session) refill(first, n int) error {
	keep, c := s.m.set.keep, 0
	for lane := range n {
		for p := range keep - 1 {
			t := s.m.start.Token
			if p > 0 || !s.m.start.Window {
				t = s.token(lane, first-keep+1+p)
			}
			c = s.put(c, t, lane, p)
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
		s.freqs[lane], s.total[lane] = freq.FromLogits(s.program.Float32s(s.logits, s.batch.column[lane]+s.steps-1-s.batch.first))
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
