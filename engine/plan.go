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
func threadsPerBlock(m predict.Model, mixed bool, lanes, threads int) int {
	switch {
	case m == nil:
		return 1 // the mixer is sequential
	case m.Info().Portability != predict.Portable:
		return threads // an external runtime brings its own threads
	case lanes == 1:
		return min(threads, 2)
	}
	return min(threads, 4)
}

// blockMemory estimates the memory that one block takes beside the model.
func blockMemory(length, lanes int, mixed, model bool) int64 {
	// The content, its coded form and, in a mixer, the content again, which tokens need.
	n := 2 * int64(length)
	if mixed {
		n += mixer.MemoryBytes(mixer.Config{BlockLen: length, Lanes: max(lanes, 1), Model: model})
	}
	return n
}

// DecodeMemory estimates the memory that decoding a block takes beside the weights
// of its model, in bytes.
func DecodeMemory(h *archive.Header, b *archive.Block) int64 {
	if b.Kind == archive.Stored {
		return 2 * int64(b.Length)
	}
	return blockMemory(b.Length, b.Lanes, h.Mixer != 0, h.Model != nil)
}

// newPlan makes a plan for blocks of length bytes, or fails with a MemoryError.
// blocks is the number of blocks if it is known, else 0.
func newPlan(m predict.Model, mixed bool, length, lanes, threads, blocks int, limit int64) (plan, error) {
	perBlock := blockMemory(length, lanes, mixed, m != nil)
	fixed := int64(0)
	if m != nil {
		fixed = m.MemoryBytes(lanes)
		// Another session takes the same again, less the weights.
		perBlock += max(0, fixed-m.MemoryBytes(1))
		if need := fixed + blockMemory(length, lanes, mixed, true); limit > 0 && need > limit {
			return plan{}, &MemoryError{Need: need, Limit: limit}
		}
	} else if limit > 0 && perBlock > limit {
		return plan{}, &MemoryError{Need: perBlock, Limit: limit}
	}
	p := plan{blocks: 1, threads: threads}
	p.blocks = max(1, threads/threadsPerBlock(m, mixed, lanes, threads))
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
