package engine

import (
	"runtime"
	"sync"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/machine"
	"github.com/llmz/llmz/engine/pipeline"
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

// Where no limit is set, the memory that blocks side by side take is bounded: they must
// not surprise anyone. Each thread has mostPerThread, enough for a block of the default size,
// but all together no more than half of what the machine has to give; unknownPerThread
// where that is not known.
const (
	mostPerThread    = 384 << 20
	unknownPerThread = 192 << 20
)

// freeMemory is the machine's, as of the start.
var freeMemory = sync.OnceValue(machine.FreeMemory)

// sideBySide returns the memory that blocks on so many threads may take.
func sideBySide(threads int, free int64) int64 {
	if free <= 0 {
		return int64(threads) * unknownPerThread
	}
	return min(int64(threads)*mostPerThread, free/2)
}

// cost is the memory that coding takes: fixed once, and perBlock for each block at work.
type cost struct{ fixed, perBlock int64 }

// costOf returns what blocks of shape s take with a model.
func costOf(m predict.Model, s block.Shape) cost {
	c := cost{overhead(m), s.Memory()}
	if m != nil {
		c.fixed += m.MemoryBytes(1)
		c.perBlock += max(0, m.MemoryBytes(s.Lanes)-m.MemoryBytes(1)) // a session of its own
	}
	return c
}

// limits returns the bounds of the blocks at work on so many threads: they must fit into
// limit, 0 for none, whose excess is a MemoryError for a block alone.
func (c cost) limits(threads int, m predict.Model, lanes int, limit int64) (pipeline.Limits, error) {
	if need := c.fixed + c.perBlock; limit > 0 && need > limit {
		return pipeline.Limits{Tasks: 1, Memory: 1}, &MemoryError{Need: need, Limit: limit}
	}
	l := pipeline.Limits{Tasks: abreast(m, lanes, threads), Memory: sideBySide(threads, freeMemory())}
	if limit > 0 {
		l.Memory = max(limit-c.fixed, 1)
	}
	return l, nil
}

// abreast returns the number of blocks that threads code side by side, where there are so
// many: one per thread, unless the model wants all threads for one.
func abreast(m predict.Model, lanes, threads int) int {
	if m != nil && m.Preferences(lanes).Threads == 0 {
		return 1
	}
	return threads
}

// cost returns what compressing size bytes takes, -1 where that is not known, and the
// shape of the largest blocks.
func (o *Options) cost(h *archive.Header, size int64) (cost, block.Shape) {
	length := o.blockSize()
	if size >= 0 {
		length = max(1, min(size, length))
	}
	s := block.Planned(h, o.Model, o.Lanes, int(length))
	return costOf(o.Model, s), s
}

// blockSize returns the size of whole blocks.
func (o *Options) blockSize() int64 {
	if o.BlockSize > 0 {
		return int64(o.BlockSize)
	}
	return int64(BlockSizeFor(o.Model))
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
	size = max(size, 0)
	c, s := o.cost(o.header(), size)
	l, err := c.limits(threads, o.Model, s.Lanes, o.MemoryLimit)
	if err != nil {
		return 0, 0, err
	}
	parallel = max(1, int(min(int64(l.Tasks), blocksOf(size, o.blockSize()), l.Memory/max(c.perBlock, 1))))
	return c.fixed + int64(parallel)*c.perBlock, parallel, nil
}

// blocksOf returns the number of blocks of size bytes.
func blocksOf(size, blockSize int64) int64 { return (size + blockSize - 1) / blockSize }

// DecodeMemory estimates the memory that decoding a block takes beside the weights
// of its model, in bytes.
func DecodeMemory(h *archive.Header, b *archive.Block) int64 { return block.Need(h, b) }

// InOrder tells whether a block of n bytes is coded from its beginning on with these
// options, and not all over it at once.
func (o *Options) InOrder(n int) bool {
	lanes := o.lanesOf(n)
	return lanes <= 1 || block.Stretched(o.header(), lanes)
}

// CodesTwice tells whether an only block of n bytes may be coded a second time, without
// the model.
func (o *Options) CodesTwice(n int) bool {
	return block.CodesTwice(o.header(), min(o.lanesOf(n), n), n)
}

// lanesOf returns the number of lanes of a block of n symbols.
func (o *Options) lanesOf(n int) int {
	m := o.Model
	if o.NoModel {
		m = nil
	}
	return block.Lanes(m, !o.NoMix, o.Lanes, n)
}
