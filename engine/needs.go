package engine

import (
	"errors"
	"runtime"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// ProcessMemory is about what the program takes without models and blocks, in bytes:
// its code and the runtime. Measured on linux/amd64.
const ProcessMemory = 26 << 20

// overhead returns the memory that comes on top of what blocks and sessions with m
// take: the process itself, and what reading the weights of a model leaves behind.
func overhead(m predict.Model) int64 {
	if m == nil {
		return ProcessMemory
	}
	return ProcessMemory + m.Preferences(1).LoadBytes
}

// planWithin is newPlan for all of the process to stay within limit.
func planWithin(m predict.Model, s blockShape, threads, blocks int, limit int64) (plan, error) {
	if limit <= 0 {
		return newPlan(m, s, threads, blocks, limit)
	}
	p, err := newPlan(m, s, threads, blocks, max(limit-overhead(m), 1))
	var e *MemoryError
	if errors.As(err, &e) {
		err = &MemoryError{Need: e.Need + overhead(m), Limit: limit}
	}
	return p, err
}

// plan makes the plan for compressing size bytes, -1 where that is not known. It also returns
// the shape of the largest blocks.
func (o *Options) plan(size int64, threads int) (plan, blockShape, error) {
	blockSize := int64(o.BlockSize)
	if blockSize <= 0 {
		blockSize = int64(BlockSizeFor(o.Model))
	}
	length, blocks := int(blockSize), 0
	if size >= 0 {
		length = int(max(1, min(size, blockSize)))
		blocks = int(max(1, (size+blockSize-1)/blockSize))
	}
	s := blockShape{length: length, lanes: o.Lanes, mixed: !o.NoMix, model: o.Model != nil}
	symbols := length
	if s.model && o.Model.Info().Kind == predict.Tokens {
		// Their number is not known yet: a quarter of the bytes is usual.
		symbols = max(1, length/4)
		s.tokens = symbols
	}
	if s.lanes == 0 {
		s.lanes = defaultLanes(o.Model, s.mixed, symbols)
	}
	s.lanes = min(max(s.lanes, 1), symbols, archive.MaxLanes)
	s.stretches = s.model && s.mixed && stretched(mixerVersion, archiveModel(o.Model.Info()), s.lanes)
	p, err := planWithin(o.Model, s, threads, blocks, o.MemoryLimit)
	return p, s, err
}

// Needs tells, before anything is done, what compressing size bytes with the
// options takes: the memory in bytes, and the number of blocks that are coded
// side by side. Where Options.MemoryLimit is too low, the error is a
// *MemoryError.
func Needs(o Options, size int64) (memory int64, parallel int, err error) {
	if o.NoModel {
		o.Model = nil
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p, s, err := o.plan(max(size, 0), threads)
	if err != nil {
		return 0, 0, err
	}
	memory = overhead(o.Model) + int64(p.blocks)*s.memory()
	if o.Model != nil {
		memory += o.Model.MemoryBytes(s.lanes)
		memory += int64(p.blocks-1) * max(0, o.Model.MemoryBytes(s.lanes)-o.Model.MemoryBytes(1))
	}
	return memory, p.blocks, nil
}
