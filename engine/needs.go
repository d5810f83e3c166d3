package engine

import (
	"errors"
	"runtime"

	"github.com/llmz/llmz/engine/predict"
)

// ProcessMemory is about what the program takes without models and blocks, in bytes:
// its code and the runtime. Measured on linux/amd64.
const ProcessMemory = 22 << 20

// overhead returns the memory that comes on top of what blocks and sessions with m
// take: the process itself, and what reading the weights of a model leaves behind.
func overhead(m predict.Model) int64 {
	if m == nil || m.Info().Portability != predict.Portable {
		return ProcessMemory
	}
	return ProcessMemory + 2*m.MemoryBytes(1)
}

// planWithin is newPlan for all of the process to stay within limit.
func planWithin(m predict.Model, mixed bool, length, lanes, threads, blocks int, limit int64) (plan, error) {
	if limit <= 0 {
		return newPlan(m, mixed, length, lanes, threads, blocks, limit)
	}
	p, err := newPlan(m, mixed, length, lanes, threads, blocks, max(limit-overhead(m), 1))
	var e *MemoryError
	if errors.As(err, &e) {
		err = &MemoryError{Need: e.Need + overhead(m), Limit: limit}
	}
	return p, err
}

// Needs tells, before anything is done, what compressing size bytes with the
// options takes: the memory in bytes, and the number of blocks that are coded
// side by side. Where Options.MemoryLimit is too low, the error is a
// *MemoryError.
func Needs(o Options, size int64) (memory int64, parallel int, err error) {
	blockSize := int64(o.BlockSize)
	if blockSize <= 0 {
		blockSize = int64(BlockSizeFor(o.Model))
	}
	length := int(max(1, min(size, blockSize)))
	lanes := o.Lanes
	if lanes == 0 {
		lanes = needsLanes(o.Model, !o.NoMix, length)
	}
	lanes = min(max(lanes, 1), length)
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	blocks := int(max(1, (size+blockSize-1)/blockSize))
	mixed := !o.NoMix
	p, err := planWithin(o.Model, mixed, length, lanes, threads, blocks, o.MemoryLimit)
	if err != nil {
		return 0, 0, err
	}
	memory = overhead(o.Model) + int64(p.blocks)*blockMemory(length, lanes, mixed, o.Model != nil)
	if o.Model != nil {
		memory += o.Model.MemoryBytes(lanes)
		memory += int64(p.blocks-1) * max(0, o.Model.MemoryBytes(lanes)-o.Model.MemoryBytes(1))
	}
	return memory, p.blocks, nil
}

// needsLanes returns the lanes of a block of n bytes. Models whose symbols are
// tokens choose by their number, which is not known yet: a quarter of the bytes
// is usual.
func needsLanes(m predict.Model, mixed bool, n int) int {
	if m != nil && m.Info().Kind == predict.Tokens {
		n = max(1, n/4)
	}
	return defaultLanes(m, mixed, n)
}
