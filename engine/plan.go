package engine

import (
	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/mixer"
	"github.com/llmz/llmz/engine/predict"
)

// plan says how many blocks are coded side by side, and with how many threads each.
type plan struct {
	blocks  int
	threads int
}

// memoryPerThread bounds the memory that blocks side by side take where no limit
// is set: parallel blocks must not surprise anyone.
const memoryPerThread = 192 << 20

// threadsPerBlock returns the number of threads that one block can use well.
func threadsPerBlock(m predict.Model, lanes, threads int) int {
	if m == nil {
		return 1 // the mixer is sequential
	}
	if n := m.Preferences(lanes).Threads; n > 0 {
		return min(threads, n)
	}
	return threads
}

// blockShape is what the memory of a block depends on, beside its model.
type blockShape struct {
	length, lanes int
	tokens        int // 0 where symbols are bytes
	mixed, model  bool
	stretches     bool
	coded         int // size of its coded form, 0 where it is not known
}

// memory estimates the memory that the block takes beside the model.
func (s blockShape) memory() int64 {
	// The content and its coded form, which may be there twice while it grows; the tokens.
	coded := s.length
	if s.coded > 0 {
		coded = min(coded, 2*s.coded)
	}
	n := int64(s.length) + int64(coded) + 4*int64(s.tokens)
	if s.mixed {
		c := mixer.Config{BlockLen: s.length, Lanes: max(s.lanes, 1), Model: s.model, Stretches: s.stretches}
		if s.tokens == 0 {
			c.History = []byte{} // it is the content
		}
		n += mixer.MemoryBytes(c)
	}
	return n
}

// decodedShape returns the shape of block b of a member with header h.
func decodedShape(h *archive.Header, b *archive.Block) blockShape {
	s := blockShape{length: b.Length, lanes: b.Lanes, tokens: b.Symbols, mixed: h.Mixer != 0, model: h.Model != nil, coded: max(b.Size, 1)}
	s.stretches = stretched(h.Mixer, h.Model, b.Lanes)
	return s
}

// DecodeMemory estimates the memory that decoding a block takes beside the weights
// of its model, in bytes.
func DecodeMemory(h *archive.Header, b *archive.Block) int64 {
	return blockNeed(h, b)
}

// newPlan makes a plan for blocks of shape s, or fails with a MemoryError.
// blocks is the number of blocks if it is known, else 0.
func newPlan(m predict.Model, s blockShape, threads, blocks int, limit int64) (plan, error) {
	perBlock := s.memory()
	need, fixed := perBlock, int64(0)
	if m != nil {
		fixed = m.MemoryBytes(s.lanes)
		need += fixed
		// Another session takes the same again, less the weights.
		perBlock += max(0, fixed-m.MemoryBytes(1))
	}
	if limit > 0 && need > limit {
		return plan{}, &MemoryError{Need: need, Limit: limit}
	}
	p := plan{blocks: 1, threads: threads}
	p.blocks = max(1, threads/threadsPerBlock(m, s.lanes, threads))
	if blocks > 0 {
		p.blocks = min(p.blocks, blocks)
	}
	budget := limit
	if budget <= 0 {
		budget = int64(threads) * memoryPerThread
	}
	for p.blocks > 1 && fixed+int64(p.blocks)*perBlock > budget {
		p.blocks--
	}
	p.threads = max(1, threads/p.blocks)
	return p, nil
}
