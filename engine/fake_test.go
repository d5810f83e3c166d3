package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/llmz/llmz/engine/predict"
)

// fakeModel predicts bytes with adaptive order-1 counts, each lane on its own.
type fakeModel struct {
	lean   bool
	info   predict.Info
	lanes  int // 0: one per KiB, at most 16
	skew   uint32
	closed atomic.Int32
	open   atomic.Int32 // sessions
	slow   time.Duration
	fail   error
}

func newFakeModel(name string) *fakeModel {
	sum := sha256.Sum256([]byte(name))
	return &fakeModel{info: predict.Info{
		Ref:        predict.Ref{Name: name, Digest: sum[:], Numerics: 1},
		Parameters: 65536, Bundled: true, Kind: predict.Bytes, Alphabet: 256, Device: "cpu", Kernel: "fake",
	}}
}

// lean makes m a model that the lean mixer is for.
func lean[M interface{ wantLean() }](m M) M {
	m.wantLean()
	return m
}

func (m *fakeModel) wantLean() { m.lean = true }

func (m *fakeModel) Info() predict.Info { return m.info }

func (m *fakeModel) Lanes(n int) int {
	if m.lanes > 0 {
		return m.lanes
	}
	return min(max(n/1024, 1), 16)
}

func (m *fakeModel) MemoryBytes(lanes int) int64 { return 1<<20 + int64(lanes)<<18 }

func (m *fakeModel) Preferences(lanes int) predict.Preferences {
	if !m.info.Exact() {
		return predict.Preferences{BlockSize: 1 << 20}
	}
	p := predict.Preferences{Threads: 4, LoadBytes: 2 * m.MemoryBytes(1), Lean: m.lean}
	if lanes == 1 {
		p.Threads = 2
	}
	return p
}

func (m *fakeModel) Close() error { m.closed.Add(1); return nil }

func (m *fakeModel) NewSession(_ context.Context, o predict.SessionOptions) (predict.Session, error) {
	if o.Lanes < 1 || o.Threads < 1 {
		return nil, fmt.Errorf("session with %d lanes, %d threads", o.Lanes, o.Threads)
	}
	m.open.Add(1)
	s := &fakeSession{m: m, lanes: make([]fakeLane, o.Lanes), active: o.Lanes}
	return s, nil
}

type fakeLane struct {
	counts map[int32]*fakeCounts
	cur    *fakeCounts
}

type fakeCounts struct {
	freqs []uint32
	total uint32
}

type fakeSession struct {
	m      *fakeModel
	lanes  []fakeLane
	active int
	infer  int64
	steps  int
}

func (s *fakeSession) Step(prev []int32) error {
	start := time.Now()
	if len(prev) > s.active || len(prev) == 0 {
		return fmt.Errorf("step with %d lanes after %d", len(prev), s.active)
	}
	if s.m.fail != nil && s.steps > 3 {
		return s.m.fail
	}
	time.Sleep(s.m.slow)
	s.active = len(prev)
	s.steps++
	for i, sym := range prev {
		l := &s.lanes[i]
		if (sym == predict.Start) != (l.cur == nil) {
			return errors.New("the start symbol comes first and only first")
		}
		if l.cur != nil {
			l.cur.freqs[sym] += 32
			l.cur.total += 32
		} else {
			l.counts = map[int32]*fakeCounts{}
		}
		c := l.counts[sym]
		if c == nil {
			c = &fakeCounts{freqs: make([]uint32, s.m.info.Alphabet)}
			for j := range c.freqs {
				c.freqs[j] = 1
			}
			c.freqs[0] += s.m.skew
			c.total = uint32(len(c.freqs)) + s.m.skew
			l.counts[sym] = c
		}
		l.cur = c
	}
	s.infer += int64(time.Since(start))
	return nil
}

func (s *fakeSession) Freqs(lane int) ([]uint32, uint32) {
	return s.lanes[lane].cur.freqs, s.lanes[lane].cur.total
}

func (s *fakeSession) StageTimes() (infer, update int64) { return s.infer, 0 }

func (s *fakeSession) Close() error { s.m.open.Add(-1); return nil }

// fakeTokenModel has the 256 bytes and some words as tokens.
type fakeTokenModel struct {
	*fakeModel
	vocabulary [][]byte
}

func newFakeTokenModel() *fakeTokenModel {
	m := &fakeTokenModel{fakeModel: newFakeModel("fake-tokens")}
	for i := range 256 {
		m.vocabulary = append(m.vocabulary, []byte{byte(i)})
	}
	for _, w := range []string{" the", " and", "ing", " she", " Alice", ", ", "   ", "\r\n", "said"} {
		m.vocabulary = append(m.vocabulary, []byte(w))
	}
	m.vocabulary = append(m.vocabulary, nil) // a token without bytes
	m.info.Kind, m.info.Alphabet = predict.Tokens, len(m.vocabulary)
	m.info.Bundled, m.info.Numerics = false, 0
	m.info.Portability = predict.SameRuntime
	m.info.Runtime = map[string]string{"runtime": "fake v1", "variant": "haswell"}
	return m
}

func (m *fakeTokenModel) Tokenize(_ context.Context, block []byte) ([]int32, error) {
	var tokens []int32
	for len(block) > 0 {
		best := int(block[0])
		for i := 256; i < len(m.vocabulary); i++ {
			if w := m.vocabulary[i]; len(w) > len(m.vocabulary[best]) && bytes.HasPrefix(block, w) {
				best = i
			}
		}
		tokens = append(tokens, int32(best))
		block = block[len(m.vocabulary[best]):]
	}
	return tokens, nil
}

func (m *fakeTokenModel) TokenBytes(id int32) []byte { return m.vocabulary[id] }

// fakeResolver resolves by digest.
type fakeResolver []predict.Model

func (r fakeResolver) Resolve(_ context.Context, ref predict.Ref) (predict.Model, error) {
	for _, m := range r {
		if bytes.HasPrefix(m.Info().Digest, ref.Digest) {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", ref.Name, predict.ErrModelMissing)
}
