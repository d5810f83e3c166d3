package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/pipeline"
	"github.com/llmz/llmz/engine/predict"
)

// A Writer compresses what is written to it. Like gzip.Writer it writes to an
// underlying writer and must be closed. It is not safe for concurrent use.
type Writer struct {
	ctx   context.Context
	w     countingWriter
	o     Options
	tally *tally
	codec block.Codec

	pipe   *pipeline.Pipeline[*encoding]
	need   int64 // of memory for a block
	header *archive.Header
	ar     *archive.Writer // nil until the first block is written
	sum    *archive.Summer // of the content submitted
	buf    []byte          // the block being filled
	number int             // blocks submitted
	free   [][]byte        // spare block buffers
	err    error
	closed bool
	warned bool // that a block is coded without the model

	// watch, if set, returns what is told the costs of the symbols of the next block.
	watch func() block.Watcher
	// written, if set, is called after each block.
	written func(*archive.Block)
}

// encoding is a block that is being encoded, or has been.
type encoding struct {
	data []byte
	out  block.Encoded
	err  error
}

// NewWriter returns a Writer that writes an archive to w. Nothing is written before
// the first block is complete.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	return NewWriterContext(context.Background(), w, o)
}

// NewWriterContext is NewWriter with a context that ends the work early.
func NewWriterContext(ctx context.Context, w io.Writer, o Options) (*Writer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.NoModel {
		o.Model = nil
	}
	if o.BlockSize == 0 {
		o.BlockSize = BlockSizeFor(o.Model)
	}
	t := newTally(Compressing, o.Threads, o.Observer, o.ProgressInterval, o.Size, o.Gate)
	z := &Writer{ctx: ctx, o: o, tally: t, header: o.header()}
	z.sum = archive.NewSummer(z.header)
	z.w = countingWriter{w: w, tally: t}
	size := int64(-1)
	if o.Size > 0 {
		size = o.Size
	}
	c, shape := o.cost(z.header, size)
	l, err := c.limits(t.threads, o.Model, shape.Lanes, o.MemoryLimit)
	if err != nil {
		return nil, err
	}
	z.need, z.pipe = c.perBlock, pipeline.New[*encoding](ctx, t.threads, l)
	if size > 0 {
		z.pipe.Expect(int(min(blocksOf(size, o.blockSize()), archive.MaxBlocks)))
	}
	coded := *z.header // what is written may leave the model out
	z.codec = block.Codec{Header: &coded, Model: o.Model, Lanes: o.Lanes, Gate: t.gate, Vocabularies: new(block.Vocabularies),
		Threads: z.pipe.Share}
	return z, nil
}

func (o *Options) check() error {
	switch {
	case o.Model == nil && !o.NoModel:
		return fmt.Errorf("%w: no model", ErrOptions)
	case o.NoModel && o.NoMix:
		return fmt.Errorf("%w: neither model nor mixer", ErrOptions)
	case o.BlockSize < 0 || o.BlockSize > archive.MaxBlock:
		return fmt.Errorf("%w: blocks of %d bytes, at most %d", ErrOptions, o.BlockSize, archive.MaxBlock)
	case o.Part != nil && (o.Part.BlockSize != o.blockSize() || o.Part.Lanes != o.Lanes):
		return fmt.Errorf("%w: the part is one of other blocks or lanes", ErrOptions)
	case o.Part != nil && o.ForRepeats != nil:
		return fmt.Errorf("%w: which model the first block of all parts asks for is not settled", ErrOptions)
	case o.Lanes < 0 || o.Lanes > archive.MaxLanes:
		return fmt.Errorf("%w: %d lanes, at most %d", ErrOptions, o.Lanes, archive.MaxLanes)
	}
	if o.Model != nil && !o.NoModel && o.Model.Info().Kind == predict.Tokens {
		if _, ok := block.Tokens(o.Model); !ok {
			return fmt.Errorf("%w: model %s has tokens but cannot make any", ErrOptions, o.Model.Info().Name)
		}
	}
	return nil
}

// Write takes p into the block being filled, and encodes the block when it is
// full.
func (z *Writer) Write(p []byte) (int, error) {
	n := 0
	for len(p) > 0 {
		if err := z.ready(); err != nil {
			return n, err
		}
		z.takeBuffer()
		k := min(len(p), z.o.BlockSize-len(z.buf))
		z.buf = append(z.buf, p[:k]...)
		p, n = p[k:], n+k
		if len(z.buf) == z.o.BlockSize {
			if err := z.submit(false); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// ReadFrom compresses all of r. It implements io.ReaderFrom.
func (z *Writer) ReadFrom(r io.Reader) (int64, error) {
	var n int64
	for {
		if err := z.ready(); err != nil {
			return n, err
		}
		z.takeBuffer()
		if len(z.buf) == cap(z.buf) {
			z.grow()
		}
		room := z.buf[len(z.buf):min(cap(z.buf), z.o.BlockSize)]
		start := time.Now()
		k, err := r.Read(room)
		z.tally.addStage(StageRead, time.Since(start))
		if k < 0 || k > len(room) {
			return n, errors.New("reader returned an impossible count")
		}
		z.buf = z.buf[:len(z.buf)+k]
		n += int64(k)
		if len(z.buf) == z.o.BlockSize {
			if err := z.submit(false); err != nil {
				return n, err
			}
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			z.err = err
			return n, err
		}
	}
}

// takeBuffer takes a spare block buffer where there is none yet.
func (z *Writer) takeBuffer() {
	if k := len(z.free); z.buf == nil && k > 0 {
		z.buf, z.free = z.free[k-1][:0], z.free[:k-1]
	}
}

// grow makes room in the block buffer: quickly to a block's size, but small
// inputs do not pay for a whole block.
func (z *Writer) grow() {
	n := min(max(4*cap(z.buf), 64<<10), z.o.BlockSize)
	if z.o.Size > 0 && cap(z.buf) == 0 {
		// One more byte lets the end of the input be seen without growing.
		n = int(min(z.o.Size+1, int64(z.o.BlockSize)))
	}
	b := make([]byte, len(z.buf), n)
	copy(b, z.buf)
	z.buf = b
}

func (z *Writer) ready() error {
	if z.err != nil {
		return z.err
	}
	if z.closed {
		return errors.New("write to a closed llmz writer")
	}
	return z.ctx.Err()
}

// submit starts to encode the block in the buffer. only says that it is all there is.
func (z *Writer) submit(only bool) error {
	if z.number == 0 {
		z.settle(z.buf)
	}
	z.sum.Write(z.buf)
	z.sum.EndBlock()
	e := &encoding{data: z.buf}
	src := &block.Source{Number: z.number, Data: z.buf, Only: only, Report: z.tally.block(z.number)}
	if z.watch != nil {
		src.Watch = z.watch()
	}
	z.number++
	z.buf = nil
	z.pipe.Put(e, pipeline.Task{Memory: z.need, Kept: 2 * int64(len(e.data)), Run: func(ctx context.Context) { e.out, e.err = z.codec.Encode(ctx, src) }})
	// Where nothing more can be done, waiting here lets what is done be written.
	return z.pipe.MakeRoom(z.need, z.write)
}

// write writes an encoded block.
func (z *Writer) write(e *encoding) error {
	if e.err != nil {
		z.err = e.err
		return z.err
	}
	b := &e.out.Header
	if b.Whole { // nothing else needs what it does not
		e.out.Narrow(z.header)
		z.header.Digests = z.header.Part != nil
		b.Whole = z.header.Part == nil
	}
	if z.err = z.begin(); z.err != nil {
		return z.err
	}
	if e.out.Without != nil && !z.warned {
		z.warned = true
		z.tally.warn(fmt.Sprintf("block %d is coded without the model, as are others like it: %v", z.ar.Blocks(), e.out.Without), e.out.Without)
	}
	before := z.w.n
	if z.err = z.ar.WriteBlock(b, e.out.Payload); z.err != nil {
		return z.err
	}
	z.tally.blockDone(BlockDone{
		Block: z.ar.Blocks() - 1, Stored: b.Kind == archive.Stored, Lanes: b.Lanes,
		OriginalBytes: int64(len(e.data)), CompressedBytes: z.w.n - before,
	})
	if z.written != nil {
		z.written(b)
	}
	z.free = append(z.free, e.data)
	return nil
}

// begin writes the header, if that has not been done.
func (z *Writer) begin() error {
	if z.ar != nil {
		return nil
	}
	var err error
	z.ar, err = archive.NewWriter(&z.w, z.header)
	return err
}

// header returns the archive header that o leads to.
func (o *Options) header() *archive.Header {
	h := &archive.Header{Name: archive.CleanName(o.Meta.Name), Time: o.Meta.Time, Mode: o.Meta.Mode, Digests: true, Part: o.Part}
	if o.Model != nil && !o.NoModel {
		h.Model = block.Recorded(o.Model.Info())
	}
	if !o.NoMix {
		h.Mixer = o.mixer()
	}
	return h
}

// mixer returns the version of the mixer that o leads to.
func (o *Options) mixer() uint8 {
	switch {
	case o.Rich:
		return archive.MixerFull
	case o.Model == nil || o.NoModel || !o.Model.Preferences(1).Lean:
		return archive.MixerFast
	}
	return archive.MixerLean
}

// emptyHeader returns the header of an archive without content, which needs nothing.
func emptyHeader(h *archive.Header) *archive.Header {
	return &archive.Header{Name: h.Name, Time: h.Time, Mode: h.Mode}
}

// Close encodes what is left, writes the index and ends the archive. It does not
// close the underlying writer.
func (z *Writer) Close() error {
	if z.closed {
		return z.err
	}
	z.closed = true
	err := z.end()
	z.err = err
	z.tally.result.CompressedBytes = z.w.n
	z.tally.result.Meta = z.o.Meta
	z.tally.result.NeedsModel = z.header.Model != nil
	z.tally.result.Mixer = archive.MixerName(z.header.Mixer)
	if z.ar != nil {
		z.tally.result.OriginalBytes = z.ar.ContentSize()
	}
	z.tally.finish(err)
	return err
}

func (z *Writer) end() error {
	err := z.err
	if err == nil {
		err = z.ctx.Err()
	}
	if err == nil && len(z.buf) > 0 {
		err = z.submit(z.number == 0 && partAlone(z.o.Part))
	}
	if err == nil {
		err = z.pipe.Flush(z.write)
	}
	z.pipe.Close() // also after errors: nothing may go on behind our back
	if err != nil {
		return err
	}
	if z.ar == nil && z.header.Part == nil { // there is no content
		*z.header = *emptyHeader(z.header)
	}
	if err := z.begin(); err != nil {
		return err
	}
	if p := z.header.Part; p != nil {
		if from, to := p.Range(); z.ar.ContentSize() != to-from {
			return fmt.Errorf("%w: part %d of %d has %d bytes, not %d", ErrOptions, p.Number, p.Of, to-from, z.ar.ContentSize())
		}
	}
	z.tally.start(z.codec.Info(), max(z.o.Lanes, 1), !z.o.NoMix)
	return z.ar.Close(z.sum.Sum())
}

// Result returns what was done. It is complete after Close.
func (z *Writer) Result() Result { return z.tally.result }

// countingWriter counts and times what goes to the underlying writer.
type countingWriter struct {
	w     io.Writer
	n     int64
	tally *tally
}

func (c *countingWriter) Write(p []byte) (int, error) {
	start := time.Now()
	n, err := c.w.Write(p)
	c.tally.addStage(StageWrite, time.Since(start))
	c.n += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
