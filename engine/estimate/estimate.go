// Package estimate predicts what compressing a file will come to, its size,
// time and memory, without doing most of it.
//
// It begins to compress a few of the file's blocks exactly as they would be
// compressed and stops after a moment. What is left of a block costs less per byte
// than its beginning, as the mixer learns and content recurs. How much less is
// found out for the mixer alone, from the costs of single bytes in a sample and a
// quick look at how well each byte of the whole block is known from the ones before.
// A model's own share of a prediction stays as it is in the sample.
//
// The package prints nothing. Sizes are in bytes.
package estimate

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/predict"
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

// Part returns what the largest of so many parts takes, made with the options o on a machine
// like this one.
func (p Prediction) Part(o engine.Options, parts int) (Prediction, error) {
	var most int64
	blockSize := engine.PartOf(o, p.OriginalBytes, 1, parts).BlockSize
	if blocks := (p.OriginalBytes + blockSize - 1) / blockSize; p.OriginalBytes > 0 {
		most = min((blocks+int64(parts)-1)/int64(parts)*blockSize, p.OriginalBytes)
	}
	_, abreast, err := engine.Needs(o, p.OriginalBytes)
	if err != nil {
		return Prediction{}, err
	}
	memory, own, err := engine.Needs(o, most)
	if err != nil {
		return Prediction{}, err
	}
	q := Prediction{OriginalBytes: most, MemoryBytes: memory, Lanes: p.Lanes}
	if p.OriginalBytes > 0 {
		share := float64(most) / float64(p.OriginalBytes) * float64(abreast) / float64(own)
		q.CompressedBytes = int64(float64(p.CompressedBytes) * float64(most) / float64(p.OriginalBytes))
		q.Elapsed = time.Duration(share * float64(p.Elapsed))
	}
	return q, nil
}

// DefaultBudget is the time to spend on coding samples of a file.
const DefaultBudget = 2 * time.Second

// mostBlocks is the number of blocks that are sampled.
const mostBlocks = 3

// A File is a file that compressions of are predicted. What the predictions have in
// common is found out once. A File is not safe for concurrent use.
type File struct {
	r      io.ReaderAt
	size   int64
	budget time.Duration
	known  map[aloneKey]blockForecast
}

// aloneKey is what the mixer alone depends on.
type aloneKey struct {
	at, n          int64
	lanes, threads int
}

// NewFile returns a File of the size bytes in r. About budget is spent on each
// prediction, as much again on the first, and more where the machine is slow to start.
func NewFile(r io.ReaderAt, size int64, budget time.Duration) *File {
	return &File{r: r, size: size, budget: budget, known: make(map[aloneKey]blockForecast)}
}

// Predict predicts what compressing the file with the options o comes to. With the
// Meta of the file it is exact to the byte where all of a single block was coded.
func (f *File) Predict(ctx context.Context, o engine.Options) (Prediction, error) {
	return f.predict(ctx, o, f.forecast)
}

// Time is Predict for the memory and, within a third, the time alone.
func (f *File) Time(ctx context.Context, o engine.Options) (Prediction, error) {
	return f.predict(ctx, o, func(ctx context.Context, block *io.SectionReader, o engine.Options, budget time.Duration) (blockForecast, error) {
		s, err := sampleBlock(ctx, block, o, budget)
		if err != nil {
			return blockForecast{}, err
		}
		return s.timed(), nil
	})
}

// predict adds up the forecasts of the sampled blocks.
func (f *File) predict(ctx context.Context, o engine.Options, forecast func(context.Context, *io.SectionReader, engine.Options, time.Duration) (blockForecast, error)) (Prediction, error) {
	p := Prediction{OriginalBytes: f.size}
	blockSize := int64(o.BlockSize)
	if blockSize <= 0 {
		blockSize = int64(engine.BlockSizeFor(o.Model))
	}
	o, err := o.Settle(f.r, f.size)
	if err != nil {
		return p, fmt.Errorf("reading a sample: %w", err)
	}
	need, parallel, err := engine.Needs(o, f.size)
	if err != nil {
		return p, err
	}
	p.MemoryBytes = need
	if f.size == 0 {
		p.Exact = true
		return p, nil
	}
	picked := pick(f.size, blockSize)
	o.Threads = max(1, threads(o)/parallel)
	var total blockForecast
	var covered int64
	p.Exact = f.size <= blockSize // several share a header and have an index
	if !p.Exact {
		o.Meta = engine.Meta{}
	}
	for i, at := range picked {
		n := min(blockSize, f.size-at)
		b, err := forecast(ctx, io.NewSectionReader(f.r, at, n), o, f.budget/time.Duration(len(picked)))
		if err != nil {
			return p, err
		}
		if i == 0 {
			p.Lanes = b.lanes
		}
		total.size += b.size
		total.seconds += b.seconds
		p.SampledBytes += b.sampled
		p.Exact = p.Exact && b.exact
		covered += n
	}
	scale := float64(f.size) / float64(covered)
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
	lanes         int
	sampled       int64
	exact         bool
}

// forecast says what a block will come to.
func (f *File) forecast(ctx context.Context, block *io.SectionReader, o engine.Options, budget time.Duration) (blockForecast, error) {
	if o.NoModel {
		return f.alone(ctx, block, o, budget)
	}
	s, err := sampleBlock(ctx, block, o, budget)
	if err != nil {
		return blockForecast{}, err
	}
	b := s.timed()
	if s.whole {
		return b, nil
	}
	last := s.marks[len(s.marks)-1]
	n := float64(len(s.data))
	if o.NoMix {
		b.size = math.Min(last.rate(), 1) * n // its weights do not change
		return b, nil
	}
	alone, err := f.alone(ctx, block, o, budget)
	if err != nil {
		return b, err
	}
	x, err := engine.Inspect(ctx, s.coded(last.bytes), engine.InspectOptions{Lanes: s.lanes, Threads: 1})
	if err != nil {
		return b, err
	}
	own := ownRate(last.rate(), x.Bits/8/float64(last.bytes))
	rate := math.Min(together(own, alone.size/n), 1)
	b.size = rate * n
	if block.Size() == f.size && o.CodesTwice(int(f.size)) && triesAlone(own, rate, o) {
		b.size = math.Min(b.size, alone.size)
		b.seconds += alone.seconds
	}
	return b, nil
}

// alone forecasts the mixer alone on a block, once.
func (f *File) alone(ctx context.Context, block *io.SectionReader, o engine.Options, budget time.Duration) (blockForecast, error) {
	_, at, n := block.Outer()
	key := aloneKey{at, n, o.Lanes, o.Threads}
	if b, ok := f.known[key]; ok {
		return b, nil
	}
	b, err := alone(ctx, block, o, budget)
	if err == nil {
		f.known[key] = b
	}
	return b, err
}

// What a model and the mixer make together of a byte is less than what either
// needs, the closer the two are the more so: together is the p-norm of their rates with
// p = -blend. It was chosen by what the bundled LSTM made of nine files, and the GRU of
// three: texts, sources and logs, none of the Canterbury corpus.
const blend = 5

func together(own, alone float64) float64 {
	return math.Pow(math.Pow(own, -blend)+math.Pow(alone, -blend), -1.0/blend)
}

// ownRate returns the model's part of a mixed rate, infinite where it was no help.
func ownRate(mixed, alone float64) float64 {
	if mixed >= alone {
		return math.Inf(1)
	}
	return math.Pow(math.Pow(mixed, -blend)-math.Pow(alone, -blend), -1.0/blend)
}

// triesAlone tells whether compression is going to try the mixer alone on an only
// block, too, going by the model's own rate and the mixed one.
func triesAlone(own, mixed float64, o engine.Options) bool {
	return 3*own > 4*mixed || 20*own < 21*mixed && o.Model.Info().Kind == predict.Bytes || 10*mixed >= 7
}

// timed is the forecast of the time, and of everything if the sample is all of the
// block.
func (s *sampled) timed() blockForecast {
	n := int64(len(s.data))
	if s.whole {
		return blockForecast{float64(s.size), s.took.Seconds(), s.lanes, n, true}
	}
	last := s.marks[len(s.marks)-1]
	early := s.at(last.bytes / 4)
	perByte := (last.at - early.at).Seconds() / float64(max(last.bytes-early.bytes, 1))
	return blockForecast{seconds: last.at.Seconds() + perByte*float64(n-last.bytes), lanes: s.lanes, sampled: last.bytes}
}

func (m mark) rate() float64 { return float64(m.compressed) / float64(m.bytes) }

// at returns the first mark at or after n bytes.
func (s *sampled) at(n int64) mark {
	for _, m := range s.marks {
		if m.bytes >= n {
			return m
		}
	}
	return s.marks[len(s.marks)-1]
}

func threads(o engine.Options) int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}
