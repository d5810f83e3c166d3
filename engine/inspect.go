package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/engine/predict"
)

// InspectOptions are the options of Inspect; the fields that Options has too
// mean the same.
type InspectOptions struct {
	// Model predicts; nil for the context mixer alone, which has no guesses. ForRepeats is as in
	// Options.
	Model, ForRepeats predict.Model
	NoMix             bool
	BlockSize         int
	Lanes             int
	Threads           int
	// Meta is what the archive would keep about the file.
	Meta Meta
	// Observer receives the job's events.
	Observer         Observer
	ProgressInterval time.Duration
	// Gate is as in Options.
	Gate *gate.Gate
}

// An Inspection tells where the bits of an archive go.
type Inspection struct {
	// Model is the one that the archive names, the zero Info where it names none.
	Model predict.Info
	Mixed bool
	Lanes int // of the first block, 0 where it is stored
	// Content is what was inspected.
	Content []byte
	// Symbols are in the order of the content, without gaps. Those of stored blocks are
	// bytes.
	Symbols []SymbolCost
	// Bits is the sum over all symbols.
	Bits float64
	// ArchiveBytes is the size of the archive; 0 where not all of it was inspected. What it
	// has beyond Bits is headers, checksums, the index, and what the coder rounds up.
	ArchiveBytes int64
	// Blocks are those inspected.
	Blocks []InspectedBlock

	texts map[int32][]byte // of the tokens guessed; nil where symbols are bytes
}

// An InspectedBlock is what an archive holds of a part of the content.
type InspectedBlock struct {
	// Offset and Length are the block's bytes in all of the content.
	Offset, Length int64
	// Bytes is the size of the coded data.
	Bytes  int64
	Stored bool
	Lanes  int
	// Model and Mixed say what the block was coded with.
	Model, Mixed bool
}

// Bytes returns the bytes that a guessed symbol stands for.
func (x *Inspection) Bytes(g Guess) []byte {
	if x.texts != nil {
		return x.texts[g.Symbol]
	}
	return []byte{byte(g.Symbol)}
}

// Inspect compresses content, and keeps the costs of its symbols instead of the archive. It
// takes some 80 bytes of memory a symbol. After an error, the Inspection tells about what
// was coded until then: symbols that were not have no Bits.
func Inspect(ctx context.Context, content []byte, o InspectOptions) (*Inspection, error) {
	x := &Inspection{Content: content}
	z, err := NewWriterContext(ctx, io.Discard, Options{Model: o.Model, ForRepeats: o.ForRepeats, NoModel: o.Model == nil, NoMix: o.NoMix, BlockSize: o.BlockSize, Lanes: o.Lanes,
		Threads: o.Threads, Meta: o.Meta, Size: int64(len(content)), Observer: o.Observer, ProgressInterval: o.ProgressInterval, Gate: o.Gate})
	if err != nil {
		return x, fmt.Errorf("inspect: %w", err)
	}
	var blocks []*recorder
	z.watch = func() block.Watcher {
		r := &recorder{base: int64(len(blocks)) * z.o.blockSize(), to: archive.MaxBlock}
		blocks = append(blocks, r)
		return r
	}
	z.written = func(b *archive.Block) { x.addBlock(z.header, b) }
	res, err := finishWriter(z, bytes.NewReader(content))
	for _, r := range blocks {
		x.add(r.result())
	}
	x.Model, x.Mixed = z.codec.Info(), z.header.Mixer != 0
	if err == nil {
		x.ArchiveBytes = res.CompressedBytes
		if z.header.Model == nil {
			x.Model = predict.Info{}
		}
	}
	return x, err
}

// InspectArchive decodes the bytes from, inclusive, to to, exclusive, of the content of the
// archive of size bytes in src, and keeps the costs of its symbols; to = -1 means the end.
// Content and Symbols begin and end with whole symbols, which may be tokens.
func InspectArchive(ctx context.Context, src io.ReaderAt, size, from, to int64, o ReadOptions) (*Inspection, error) {
	x := &Inspection{}
	d := newDecoding(ctx, o, 0)
	r := &ranger{d: d, dst: countingWriter{w: io.Discard, tally: d.tally}, from: from, to: to, inspection: x}
	d.watch = r.watch
	err := r.read(ctxio.ReaderAt(ctx, src), size)
	if err == nil && from == 0 && r.all {
		x.ArchiveBytes = size
	}
	_, err = d.finish(err, int64(len(x.Content)), size)
	if len(x.Symbols) > 0 {
		base := x.Symbols[0].Offset
		for i := range x.Symbols {
			x.Symbols[i].Offset -= base
		}
	}
	return x, err
}

// add appends the costs of a block.
func (x *Inspection) add(t *try) {
	if t.tokens != nil {
		x.keepTexts(t)
	}
	x.Symbols = append(x.Symbols, t.costs...)
	for i := range t.costs {
		x.Bits += float64(t.costs[i].Bits)
	}
}

// keepTexts keeps what the guessed tokens of a block stand for, as the model is not kept.
func (x *Inspection) keepTexts(t *try) {
	if x.texts == nil {
		x.texts = make(map[int32][]byte)
	}
	for i := range t.costs {
		for _, g := range t.costs[i].Guesses {
			if _, ok := x.texts[g.Symbol]; g.P > 0 && !ok {
				x.texts[g.Symbol] = bytes.Clone(t.tokens.TokenBytes(g.Symbol))
			}
		}
	}
}

func (x *Inspection) addBlock(h *archive.Header, b *archive.Block) {
	coded := b.Kind == archive.Coded
	i := InspectedBlock{Length: int64(b.Length), Bytes: int64(b.Size), Stored: !coded, Lanes: b.Lanes, Model: coded && h.Model != nil, Mixed: coded && h.Mixer != 0}
	if n := len(x.Blocks); n == 0 {
		x.Lanes = b.Lanes
	} else {
		i.Offset = x.Blocks[n-1].Offset + x.Blocks[n-1].Length
	}
	x.Blocks = append(x.Blocks, i)
}

// watch returns what keeps the costs of a block.
func (r *ranger) watch(q *decoded) block.Watcher {
	q.costs = &recorder{base: q.at, from: int(max(r.from-q.at, 0)), to: archive.MaxBlock, stop: q.stop}
	if r.to >= 0 {
		q.costs.to = int(min(r.to-q.at, archive.MaxBlock))
	}
	return q.costs
}

// inspect takes over the costs of a block.
func (r *ranger) inspect(q *decoded) error {
	x := r.inspection
	if q.err != nil && !(q.costs != nil && q.costs.enough && errors.Is(q.err, context.Canceled) && r.d.ctx.Err() == nil) {
		return q.err
	}
	t := q.costs.result()
	content := t.content
	if n := len(t.costs); q.err == nil && n > 0 {
		content = q.data[t.costs[0].Offset-q.at : t.costs[n-1].end()-q.at]
	}
	if len(x.Blocks) == 0 {
		x.Model, x.Mixed = q.codec.Info(), q.header.Mixer != 0
	}
	x.Content = append(x.Content, content...)
	x.add(t)
	x.addBlock(q.header, q.block)
	x.Blocks[len(x.Blocks)-1].Offset = q.at
	return nil
}
