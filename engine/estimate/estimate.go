// Package estimate predicts what compressing a file will come to, its size,
// time and memory, without doing most of it.
//
// It begins to compress a few of the file's blocks exactly as they would be
// compressed and stops after a moment. What is left of a block costs less per
// byte than its beginning, as models and mixer learn; how much less, a quick
// compressor tells, which is run on what was coded and on the whole block: a
// model that gained from what it saw as that one did will go on to.
//
// The package prints nothing. Sizes are in bytes.
package estimate

import (
	"bytes"
	"context"
	"io"
	"math"
	"runtime"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/classic"
)

// A Prediction is what is expected of a compression.
type Prediction struct {
	OriginalBytes   int64
	CompressedBytes int64
	// Elapsed is the time to compress; decompression takes as long, within some
	// percent.
	Elapsed time.Duration
	// Lanes is the number of lanes of the first block.
	Lanes int
	// MemoryBytes is the memory needed.
	MemoryBytes int64
	// SampledBytes is the number of bytes that were coded to find out; Exact is true
	// if that was all of them.
	SampledBytes int64
	Exact        bool
}

// BPC returns the expected bits per byte.
func (p Prediction) BPC() float64 {
	if p.OriginalBytes == 0 {
		return 0
	}
	return 8 * float64(p.CompressedBytes) / float64(p.OriginalBytes)
}

// DefaultBudget is the time to spend on coding samples of a file.
const DefaultBudget = 2 * time.Second

// mostBlocks is the number of blocks that are sampled.
const mostBlocks = 3

// File predicts what compressing the size bytes in f with the options o comes
// to. It spends about budget, more where the machine is slow to start, and as much
// again where compression tries the mixer alone, too.
func File(ctx context.Context, f io.ReaderAt, size int64, o engine.Options, budget time.Duration) (Prediction, error) {
	p := Prediction{OriginalBytes: size}
	blockSize := int64(o.BlockSize)
	if blockSize <= 0 {
		blockSize = int64(engine.BlockSizeFor(o.Model))
	}
	need, parallel, err := engine.Needs(o, size)
	if err != nil {
		return p, err
	}
	p.MemoryBytes = need
	if size == 0 {
		p.Exact = true
		return p, nil
	}
	picked := pick(size, blockSize)
	o.Threads = max(1, threads(o)/parallel)
	var total blockForecast
	var covered int64
	p.Exact = len(picked) == int((size+blockSize-1)/blockSize)
	for i, at := range picked {
		n := min(blockSize, size-at)
		s, err := sampleBlock(ctx, io.NewSectionReader(f, at, n), o, budget/time.Duration(len(picked)))
		if err != nil {
			return p, err
		}
		b, err := s.forecast(ctx, o)
		if err != nil {
			return p, err
		}
		if n == size && o.Model != nil && !o.NoMix && !s.whole {
			if b, err = b.orAlone(ctx, io.NewSectionReader(f, at, n), o, budget); err != nil {
				return p, err
			}
		}
		if i == 0 {
			p.Lanes = s.lanes
		}
		total.size += b.size
		total.seconds += b.seconds
		p.SampledBytes += b.sampled
		p.Exact = p.Exact && s.whole
		covered += n
	}
	scale := float64(size) / float64(covered)
	p.CompressedBytes = int64(math.Round(total.size * scale))
	p.Elapsed = time.Duration(total.seconds * scale / float64(parallel) * float64(time.Second))
	return p, nil
}

// pick returns the offsets of the blocks to sample: all of few, otherwise the
// first, one in the middle and the last whole one.
func pick(size, blockSize int64) []int64 {
	n := (size + blockSize - 1) / blockSize
	if n <= mostBlocks {
		var all []int64
		for i := range n {
			all = append(all, i*blockSize)
		}
		return all
	}
	whole := size / blockSize
	return []int64{0, whole / 2 * blockSize, (whole - 1) * blockSize}
}

// blockForecast is what a block is expected to come to.
type blockForecast struct {
	size, seconds float64
	sampled       int64
}

// forecast extends what was seen to the whole block.
func (s *sampled) forecast(ctx context.Context, o engine.Options) (blockForecast, error) {
	n := int64(len(s.data))
	if s.whole {
		return blockForecast{float64(s.size), s.took.Seconds(), n}, nil
	}
	last := s.marks[len(s.marks)-1]
	early := s.at(last.bytes / 4)
	b := blockForecast{sampled: last.bytes}
	perByte := (last.at - early.at).Seconds() / float64(max(last.bytes-early.bytes, 1))
	b.seconds = last.at.Seconds() + perByte*float64(n-last.bytes)

	rate := func(m mark) float64 { return float64(m.compressed) / float64(m.bytes) }
	whole, err := quick(ctx, s.data)
	if err != nil {
		return b, err
	}
	quickLast, err := quick(ctx, s.coded(last.bytes))
	if err != nil {
		return b, err
	}
	quickEarly, err := quick(ctx, s.coded(early.bytes))
	if err != nil {
		return b, err
	}
	follow := 1.0 // how much of the quick compressor's gain the model makes, too
	if !o.NoModel {
		follow = trained(math.Log(rate(last)/rate(early)), math.Log(quickLast/quickEarly), o.NoMix)
	}
	b.size = math.Min(rate(last)*math.Pow(whole/quickLast, follow), 1) * float64(n)
	return b, nil
}

// orAlone returns b, or what the mixer alone is expected to come to where that is
// less: compression tries it on an only block that the model knows little of, which then
// takes the time of both.
func (b blockForecast) orAlone(ctx context.Context, block *io.SectionReader, o engine.Options, budget time.Duration) (blockForecast, error) {
	o.Model, o.NoModel = nil, true
	s, err := sampleBlock(ctx, block, o, budget)
	if err != nil {
		return b, err
	}
	alone, err := s.forecast(ctx, o)
	if err != nil || alone.size >= b.size {
		return b, err
	}
	return blockForecast{alone.size, b.seconds + alone.seconds, b.sampled}, nil
}

// trained returns which part of the quick compressor's gain a trained model
// makes, bare or with the mixer's help: it knows much of what the other one has yet to learn. It goes by the
// gains within the sample, which are noisy, and by what is usual. The mixer
// alone learns everything, as the quick compressor does.
func trained(gain, quickGain float64, bare bool) float64 {
	usual := 0.6
	if bare {
		usual = 0.1 // its weights do not change
	}
	if math.Abs(quickGain) < 0.05 {
		return usual
	}
	return (math.Max(0, math.Min(gain/quickGain, 1)) + usual) / 2
}

// at returns the first mark at or after n bytes.
func (s *sampled) at(n int64) mark {
	for _, m := range s.marks {
		if m.bytes >= n {
			return m
		}
	}
	return s.marks[len(s.marks)-1]
}

// quick returns the compressed size per byte that a quick compressor makes of
// data.
func quick(ctx context.Context, data []byte) (float64, error) {
	c, err := classic.ByName("bzip2-9")
	if err != nil {
		return 0, err
	}
	var n counter
	if err := c.Compress(ctx, &n, bytes.NewReader(data)); err != nil {
		return 0, err
	}
	return float64(n) / float64(max(len(data), 1)), nil
}

// counter is a writer that counts.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func threads(o engine.Options) int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}
