package estimate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/lanes"
)

// mark is a place in a run that was begun on a block.
type mark struct {
	bytes, compressed int64
	at                time.Duration
}

// sampled is what a run that was begun on a block told.
type sampled struct {
	data    []byte // of the block, in the order it was given
	lanes   int
	inOrder bool // it is coded from its beginning on
	marks   []mark
	// whole is true when the run got to its end; size and took are then exact.
	whole  bool
	stored bool
	size   int64
	took   time.Duration
}

// chunk is the size of the pieces in which a block is given to a coder with few
// lanes, so that the first of them come from all over it.
const (
	chunk    = 32 << 10
	fewLanes = 4
)

// sampleBlock begins to compress a block as it would be compressed, with all of
// its lanes and tables, and stops when budget has been spent on coding. As lanes
// advance side by side, what has been coded by then is from all over the block.
func sampleBlock(ctx context.Context, block *io.SectionReader, o engine.Options, budget time.Duration) (*sampled, error) {
	s := &sampled{}
	var in io.Reader = block
	n := int(block.Size())
	s.inOrder = o.InOrder(n)
	if s.inOrder || o.NoModel || o.Lanes > 0 && o.Lanes < fewLanes || o.Model != nil && o.Lanes == 0 && o.Model.Lanes(n) < fewLanes {
		data, err := readBlock(block)
		if err != nil {
			return nil, err
		}
		s.data = spread(data)
		in = bytes.NewReader(s.data)
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var coding time.Duration // when the first bytes were coded
	o.Size = block.Size()
	o.ProgressInterval = time.Millisecond
	o.Observer = func(e engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case engine.Started:
			s.lanes = e.Lanes
		case engine.BlockDone:
			s.stored = e.Stored
		case engine.Progress:
			if e.Bytes == 0 {
				return
			}
			if coding == 0 {
				coding = e.Elapsed
			}
			s.marks = append(s.marks, mark{e.Bytes, e.CompressedBytes, e.Elapsed})
			if e.Elapsed-coding > budget && e.Bytes >= leastSample {
				stop()
			}
		}
	}
	r, err := engine.Compress(inner, io.Discard, in, o)
	if err != nil && (ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
		return nil, err
	}
	if err == nil {
		s.whole, s.size, s.took = true, r.CompressedBytes, r.Elapsed
		s.stored = s.stored || r.StoredBlocks > 0
	}
	if s.data == nil {
		// Only now: beside the coder's tables a copy of a whole block is too much. They
		// are garbage by now.
		if block.Size() >= bigBlock {
			debug.FreeOSMemory()
		}
		s.data, err = readBlock(block)
		return s, err
	}
	return s, nil
}

// bigBlock is the size from which the coder's memory is given back before the block
// is read again.
const bigBlock = 4 << 20

// readBlock reads all of a block.
func readBlock(block *io.SectionReader) ([]byte, error) {
	data := make([]byte, block.Size())
	if _, err := io.ReadFull(io.NewSectionReader(block, 0, block.Size()), data); err != nil {
		return nil, fmt.Errorf("reading a sample: %w", err)
	}
	return data, nil
}

// leastSample is the number of bytes of a block below which nothing can be said
// about it.
const leastSample = 4 << 10

// regions is the number of parts of a block that its first pieces come from: by
// turns, far ones first.
var regions = [...]int{0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}

// spreads tells whether a block is large enough for spread to change it.
func spreads(data []byte) bool { return len(data) >= 2*len(regions)*chunk }

// spread returns data with its chunks in another order: the first from each of the
// regions of it, then the second, and so on.
func spread(data []byte) []byte {
	if !spreads(data) {
		return data
	}
	out := make([]byte, 0, len(data))
	region := (len(data) + len(regions) - 1) / len(regions)
	for at := 0; at < region; at += chunk {
		for _, r := range regions {
			from := min(r*region+at, len(data))
			to := min(from+chunk, (r+1)*region, len(data))
			if from < to {
				out = append(out, data[from:to]...)
			}
		}
	}
	return out
}

// coded returns the bytes of the block that had been coded at a mark: the
// beginning of each lane, or of the block.
func (s *sampled) coded(n int64) []byte {
	if s.inOrder {
		return s.data[:min(n, int64(len(s.data)))]
	}
	count := max(s.lanes, 1)
	per := int(n) / count
	out := make([]byte, 0, n)
	for _, lane := range lanes.Split(s.data, count) {
		out = append(out, lane[:min(per, len(lane))]...)
	}
	return out
}
