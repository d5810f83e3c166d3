package estimate

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"github.com/llmz/llmz/engine"
)

// counts are numbers of bytes by state and by whether they were expected.
type counts [numStates][2]float64

func (c *counts) add(s state, hit bool, n float64) { c[s][index(hit)] += n }

func index(hit bool) int {
	if hit {
		return 1
	}
	return 0
}

const (
	// mostCosts is the number of bytes whose costs are looked at: each takes some
	// 80 bytes of memory.
	mostCosts = 768 << 10
	// leastCosts is the number that is waited for.
	leastCosts = 256 << 10
	// timing is the part of the budget that goes to the time, as a divisor.
	timing = 4
	// maturing is how much less than it did in the sample the same byte costs for each
	// factor e of what comes after: weights go on to settle, and contexts to fill.
	// It was measured on samples of 192 and 512 kB of 21 files of up to 4 MB: sources, logs,
	// prose, manuals, programs. None is of the Canterbury corpus.
	maturing = 0.02
	// seam is the number of bytes after which a jump from one piece of a sample to the
	// next is forgotten.
	seam = 1 << 10
	// headers is what an archive of one block has beside the coded data.
	headers = 48
	// doubt is the number of bytes that a state's usual cost counts as.
	doubt = 16
)

// matchCost is what an expected byte in a match usually costs, by its state.
var matchCost = [numLengths]float64{0.2, 0.15, 0.07, 0.04, 0.03, 0.016}

// alone forecasts what the mixer alone makes of a block. o has its lanes and
// threads. A part of the budget goes to a run as it will be, which tells the time, the
// rest to the costs of single bytes, which tell the size.
func alone(ctx context.Context, block *io.SectionReader, o engine.Options, budget time.Duration) (blockForecast, error) {
	o.Model, o.NoModel, o.NoMix = nil, true, false
	s, err := sampleBlock(ctx, block, o, budget/timing)
	if err != nil {
		return blockForecast{}, err
	}
	b := s.timed()
	if s.whole {
		return b, nil
	}
	data, err := readBlock(block)
	if err != nil {
		return b, err
	}
	costs, err := costsOf(ctx, s.data, budget-budget/timing)
	if err != nil {
		return b, err
	}
	b.size = extend(s.data, costs, data)/8 + headers
	b.sampled = max(b.sampled, int64(len(costs)))
	return b, ctx.Err()
}

// costsOf returns the bits that the first bytes of data cost the mixer alone, of as
// many as the budget allows and at least leastCosts.
func costsOf(ctx context.Context, data []byte, budget time.Duration) ([]float32, error) {
	data = data[:min(len(data), mostCosts)]
	inner, stop := context.WithCancel(ctx)
	defer stop()
	x, err := engine.Inspect(inner, data, engine.InspectOptions{Lanes: 1, Threads: 1, ProgressInterval: time.Millisecond,
		Observer: func(e engine.Event) {
			if p, ok := e.(engine.Progress); ok && p.Elapsed > budget && p.Bytes >= leastCosts {
				stop()
			}
		}})
	if err != nil && (ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
		return nil, err
	}
	var costs []float32
	for i := range x.Symbols {
		if x.Symbols[i].Bits == 0 {
			break // here it was stopped
		}
		costs = append(costs, x.Symbols[i].Bits)
	}
	return costs, nil
}

// extend returns the bits that the mixer needs for all of data, when the first
// bytes of ordered, which is data in another order, cost what costs says.
func extend(ordered []byte, costs []float32, data []byte) float64 {
	n := len(costs)
	var bits float64
	if n == len(data) {
		for _, c := range costs {
			bits += float64(c)
		}
		return bits
	}
	var cost, learned, seen, all counts
	var hitCost, hits [2]float64
	walk(ordered[:n], func(i int, s state, hit bool) {
		if i >= chunk && i%chunk < seam && spreads(data) {
			return // a jump, which costs what the whole block does not
		}
		bits += float64(costs[i])
		seen.add(s, hit, 1)
		if i < n/4 {
			return // the mixer knew little yet
		}
		cost.add(s, hit, float64(costs[i]))
		learned.add(s, hit, 1)
		hitCost[index(hit)] += float64(costs[i])
		hits[index(hit)]++
	})
	walk(data, func(_ int, s state, hit bool) { all.add(s, hit, 1) })
	mature := math.Pow(float64(len(data))/float64(n), -maturing)
	for s := range all {
		for hit := range 2 {
			usual := hitCost[hit] / math.Max(hits[hit], 1)
			if s >= matchAt && hit == 1 {
				usual = matchCost[s-matchAt]
			}
			each := (cost[s][hit] + doubt*usual) / (learned[s][hit] + doubt)
			bits += mature * each * (all[s][hit] - seen[s][hit])
		}
	}
	return bits
}
