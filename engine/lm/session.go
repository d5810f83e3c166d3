package lm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/llmz/llmz/engine/lm/freq"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/engine/lm/llamacpp"
	"github.com/llmz/llmz/engine/predict"
)

// The step schedule, version 1. Encoder and decoder must evaluate the same
// tokens in the same batches, or the numbers differ:
//
//   - A lane is a sequence of its own. A step evaluates one token per active
//     lane, in one batch, lanes in order.
//   - The first token of each lane is the vocabulary's start symbol, <|endoftext|>
//     for GPT-2.
//   - When all ctx positions are taken, the cache is emptied and the last keep
//     tokens of each active lane (in place of the oldest the start symbol, where
//     the model's windows begin with it) are evaluated anew from position 0: all but the
//     newest in batches of batchTokens/lanes tokens per lane, where lanes is the
//     session's number, then the newest one as an ordinary step.
//   - Plain attention, separate caches per sequence, float16 cache, weights not
//     rearranged.
const batchTokens = 512

// maxSequences is llama.cpp's own limit.
const maxSequences = 256

// A session is the state of the lanes of one block.
type session struct {
	c     context.Context
	m     *Model
	x     *llama.Context
	lanes int
	// active is the number of lanes that have not ended.
	active int
	pos    int32 // the next position, the same in all lanes
	// tail holds each lane's newest tokens, at most keep, oldest first.
	tail [][]int32
	// logits are the library's, of the last step; nil for lanes whose frequencies
	// have taken their place.
	logits [][]float32
	freqs  [][]uint32
	total  []uint32
	gov    *governor
	infer  time.Duration
}

// NewSession allocates the KV cache of all lanes.
func (m *Model) NewSession(ctx context.Context, o predict.SessionOptions) (predict.Session, error) {
	if o.Lanes < 1 || o.Lanes > maxSequences {
		return nil, fmt.Errorf("%d lanes: llama.cpp allows 1 to %d", o.Lanes, maxSequences)
	}
	if m.shape.start.Token < 0 || int(m.shape.start.Token) >= m.info.Alphabet {
		return nil, fmt.Errorf("%w: its vocabulary has no start symbol", ErrModel)
	}
	positions := m.set.ctx
	if o.MaxSteps > 0 {
		positions = min(positions, o.MaxSteps)
	}
	threads := max(o.Threads, 1)
	x, err := m.m.NewContext(llama.ContextOptions{
		Sequences: o.Lanes, Positions: positions, Batch: max(batchTokens, o.Lanes),
		Threads: threads, Poll: poll, GPU: m.set.device != llamacpp.CPU,
	})
	if err != nil {
		return nil, err
	}
	s := &session{c: ctx, m: m, x: x, lanes: o.Lanes, active: o.Lanes, gov: newGovernor(threads, coresFree)}
	s.tail = make([][]int32, o.Lanes)
	s.logits = make([][]float32, o.Lanes)
	s.freqs = make([][]uint32, o.Lanes)
	s.total = make([]uint32, o.Lanes)
	for i := range s.tail {
		s.tail[i] = make([]int32, 0, 2*m.set.keep)
	}
	return s, nil
}

// poll is how long the library's idle threads spin between two steps (0 to
// 100): not at all, the coder needs the cores.
const poll = 0

var errLanes = errors.New("no lanes, or more than before")

// Step evaluates the symbols just coded.
func (s *session) Step(prev []int32) error {
	if len(prev) > s.active || len(prev) == 0 {
		return errLanes
	}
	if err := s.c.Err(); err != nil {
		return err
	}
	began := time.Now()
	for _, t := range prev {
		if t != predict.Start && (t < 0 || int(t) >= s.m.info.Alphabet) {
			return fmt.Errorf("token %d is not in the vocabulary", t)
		}
	}
	s.active = len(prev)
	for i, t := range prev {
		if t == predict.Start {
			t = s.m.shape.start.Token
		}
		s.remember(i, t)
	}
	s.x.SetThreads(s.gov.threads())
	if int(s.pos) == s.m.set.ctx {
		if err := s.refill(len(prev)); err != nil {
			return err
		}
	}
	for i := range prev {
		if err := s.x.Add(s.tail[i][len(s.tail[i])-1], s.pos, i, true); err != nil {
			return err
		}
	}
	s.pos++
	evaluated := time.Now()
	if err := s.x.Decode(); err != nil {
		return err
	}
	s.gov.observe(time.Since(evaluated))
	for i := range prev {
		var err error
		if s.logits[i], err = s.x.Logits(i); err != nil {
			return err
		}
	}
	s.infer += time.Since(began)
	return nil
}

// remember adds a token to a lane's tail.
func (s *session) remember(lane int, t int32) {
	tail := s.tail[lane]
	if len(tail) == cap(tail) {
		n := copy(tail, tail[len(tail)-s.m.set.keep+1:])
		tail = tail[:n]
	}
	s.tail[lane] = append(tail, t)
}

// refill rebuilds the cache from the tails of the first n lanes. Their newest
// tokens are left to the step.
func (s *session) refill(n int) error {
	if err := s.x.Clear(); err != nil {
		return err
	}
	keep := s.m.set.keep
	per := max(1, batchTokens/s.lanes)
	for from := 0; from < keep-1; from += per {
		if err := s.c.Err(); err != nil {
			return err
		}
		for lane := range n {
			tail := s.tail[lane][len(s.tail[lane])-keep:]
			for p := from; p < min(from+per, keep-1); p++ {
				t := tail[p]
				if p == 0 && s.m.shape.start.Window {
					t = s.m.shape.start.Token
				}
				if err := s.x.Add(t, int32(p), lane, false); err != nil {
					return err
				}
			}
		}
		if err := s.x.Decode(); err != nil {
			return err
		}
	}
	s.pos = int32(keep - 1)
	return nil
}

// Freqs returns a lane's frequencies, which it computes when they are first asked
// for: so several goroutines can share the work, and some of it can go on while
// the first lanes are coded.
func (s *session) Freqs(lane int) ([]uint32, uint32) {
	if l := s.logits[lane]; l != nil {
		s.freqs[lane], s.total[lane] = freq.FromLogits(l)
		s.logits[lane] = nil
	}
	return s.freqs[lane], s.total[lane]
}

// StageTimes returns the time spent on the network. Turning logits into
// frequencies happens in Freqs, on its caller's time.
func (s *session) StageTimes() (infer, update int64) { return s.infer.Nanoseconds(), 0 }

// Close frees the state.
func (s *session) Close() error { return s.x.Close() }
