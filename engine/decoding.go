package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/block"
	"github.com/llmz/llmz/engine/pipeline"
	"github.com/llmz/llmz/engine/predict"
)

// A decoding decodes blocks of an archive side by side and in order, for whoever reads
// it: front to back, a range of it, or what is left of it.
type decoding struct {
	ctx    context.Context
	o      ReadOptions
	tally  *tally
	models modelCache
	pipe   *pipeline.Pipeline[*decoded]
	spare  [][]byte // buffers for payloads and content
	held   int64    // bytes of the buffer that was handed over last
	// watch, if set, returns what is told the costs of the symbols of the next block.
	watch func(*decoded) block.Watcher
}

// decoded is a block that is being decoded, or has been; or something else that has its
// place among blocks.
type decoded struct {
	number  int
	header  *archive.Header
	block   *archive.Block // nil for something else
	payload []byte
	data    []byte
	err     error

	codec       *block.Codec
	need, fixed int64 // bytes that the block takes, and that all take together

	early // what is known of data while it is being decoded

	record int64 // where its record starts in the archive

	// Of the one who reads:
	at   int64 // where it is
	size int   // of the whole record, about
	end  *memberEnd
	gap  *archive.Found
	// Where costs are kept:
	costs *recorder
	stop  func() // ends the decoding of the block
}

// newDecoding prepares to decode; total is the size of the content, if it is known.
func newDecoding(ctx context.Context, o ReadOptions, total int64) *decoding {
	t := newTally(Decompressing, o.Threads, o.Observer, o.ProgressInterval, total, o.Gate)
	l, _ := cost{fixed: ProcessMemory}.limits(t.threads, nil, 1, max(o.MemoryLimit, 0))
	return &decoding{ctx: ctx, o: o, tally: t, models: modelCache{resolver: o.Models}, pipe: pipeline.New[*decoded](ctx, t.threads, l)}
}

// checkMember refuses members that this program cannot decode.
func checkMember(h *archive.Header) error {
	if h.Mixer > archive.MixerVersion {
		return &archive.Error{Block: -1, What: fmt.Sprintf("mixer version %d, this program has %d: use a newer one", h.Mixer, archive.MixerVersion), Class: ErrUnsupported}
	}
	return nil
}

// prepare makes q ready to be decoded: it resolves the model if q needs one. index is what
// the archive's index takes in memory.
func (d *decoding) prepare(q *decoded, index int64) error {
	return placed(d.ready(q, index), q.record)
}

// placed tells an error about a block where in the archive the block's record starts.
func placed(err error, record int64) error {
	var e *archive.Error
	if errors.As(err, &e) && e.Block >= 0 && e.Offset == 0 {
		e.Offset = record
	}
	return err
}

func (d *decoding) ready(q *decoded, index int64) error {
	h, b := q.header, q.block
	if err := checkMember(h); err != nil {
		return err
	}
	if err := admit(q.number, h, b, &d.o, index); err != nil {
		return err
	}
	q.codec = &block.Codec{Header: h, Gate: d.tally.gate, Vocabularies: &d.models.vocabularies}
	if b.Kind == archive.Stored {
		q.need, q.fixed = block.Need(h, b), ProcessMemory+index
		d.tally.start(predict.Info{}, 0, false)
		return nil
	}
	model, err := d.models.get(d.ctx, h)
	if err != nil {
		return err
	}
	if err := block.CheckLength(q.number, h, b, model, &d.models.vocabularies); err != nil {
		return err
	}
	index += d.models.others(model)
	if err := allow(h, b, model, d.o.MemoryLimit, index); err != nil {
		return err
	}
	c := costOf(model, block.Found(h, b))
	c.fixed += index
	l, err := c.limits(d.tally.threads, model, b.Lanes, max(d.o.MemoryLimit, 0))
	if err != nil {
		return err
	}
	d.pipe.SetLimits(l)
	q.need, q.fixed = c.perBlock, c.fixed
	q.codec.Model, q.codec.Threads = model, d.pipe.Share
	d.tally.start(q.codec.Info(), b.Lanes, h.Mixer != 0)
	return nil
}

// fits tells whether q may be decoded beside the blocks at work. Buffers kept for later go
// first.
func (d *decoding) fits(q *decoded) bool {
	if !d.pipe.Fits(q.need + d.held) {
		return false
	}
	spare := d.held
	for _, b := range d.spare {
		spare += int64(cap(b))
	}
	if !d.pipe.Fits(q.need + spare) {
		d.spare = nil
	}
	return true
}

// makeRoom gives what is done to take, in order, until q fits.
func (d *decoding) makeRoom(q *decoded, take func(*decoded) error) error {
	for !d.fits(q) {
		if err := d.pipe.MakeRoom(q.need+d.held, take); err != nil {
			return err
		}
	}
	return nil
}

// start begins to decode q, whose payload has been read. The first part of a large block
// is known early where that is asked for.
func (d *decoding) start(q *decoded, early bool) {
	t := &block.Target{Number: q.number, Header: q.block, Payload: q.payload, Report: d.tally.block(q.number)}
	if q.block.Kind != archive.Stored {
		t.Buf = d.takeSpare(q.block.Length)
	}
	if early {
		q.more = make(chan struct{}, 1)
		t.Ready = q.tell
	}
	run := func(ctx context.Context) {
		q.data, q.err = q.codec.Decode(ctx, t)
		q.err = placed(q.err, q.record)
	}
	if d.watch != nil {
		ctx, stop := context.WithCancel(d.ctx)
		q.stop = stop
		t.Watch = d.watch(q)
		decode := run
		run = func(all context.Context) {
			defer stop()
			defer context.AfterFunc(all, stop)()
			decode(ctx)
		}
	}
	d.pipe.Put(q, pipeline.Task{Memory: q.need, Kept: int64(q.block.Length), Run: run})
}

// takeSpare returns a spare buffer, with room for n bytes if there is such a one.
func (d *decoding) takeSpare(n int) []byte {
	for i, b := range d.spare {
		if cap(b) >= n {
			d.spare = append(d.spare[:i], d.spare[i+1:]...)
			return b
		}
	}
	return nil
}

// reuse takes the buffers of a block whose content is not needed any more.
func (d *decoding) reuse(q *decoded) {
	if q.err != nil || q.block == nil {
		return
	}
	d.spare = append(d.spare, q.data)
	if q.block.Kind != archive.Stored { // whose content is the payload
		d.spare = append(d.spare, q.payload)
	}
}

// done counts a decoded block whose record has size bytes.
func (d *decoding) done(q *decoded, size int64) {
	d.tally.blockDone(BlockDone{Block: q.number, Stored: q.block.Kind == archive.Stored, Lanes: q.block.Lanes,
		OriginalBytes: int64(len(q.data)), CompressedBytes: size})
}

// add decodes q once it fits; what is done until then goes to deliver, in order. payload
// reads the payload into a buffer, which grows as needed. What is wrong with q itself is
// delivered with it.
func (d *decoding) add(q *decoded, payload func([]byte) ([]byte, error), deliver func(*decoded) error) error {
	take := d.handing(deliver)
	if q.block != nil && q.err == nil {
		if q.err = d.prepare(q, 0); q.err == nil {
			if err := d.makeRoom(q, take); err != nil {
				return err
			}
			q.payload, q.err = payload(d.takeSpare(0))
		}
		if q.err == nil {
			d.start(q, false)
			return nil
		}
	}
	d.pipe.PutDone(q)
	return d.pipe.MakeRoom(0, take)
}

// handing returns deliver with what follows it.
func (d *decoding) handing(deliver func(*decoded) error) func(*decoded) error {
	return func(q *decoded) error {
		if err := deliver(q); err != nil {
			return err
		}
		d.reuse(q)
		return d.ctx.Err()
	}
}

// flush hands over all that is left.
func (d *decoding) flush(deliver func(*decoded) error) error {
	return d.pipe.Flush(d.handing(deliver))
}

// close ends what is at work and closes the models.
func (d *decoding) close() error {
	d.pipe.Close()
	return d.models.close()
}

// finish closes d and completes the result, where err is how it went.
func (d *decoding) finish(err error, original, compressed int64) (Result, error) {
	if e := d.close(); err == nil {
		err = e
	}
	d.tally.result.OriginalBytes, d.tally.result.CompressedBytes = original, compressed
	return d.tally.finish(err), err
}

// early is what is known of a block's content while it is being decoded.
type early struct {
	more  chan struct{} // says that known has grown; nil where nobody asks
	mu    sync.Mutex    // guards known
	known []byte
}

// tell takes what is known of the content by now.
func (e *early) tell(known []byte) {
	e.mu.Lock()
	e.known = known
	e.mu.Unlock()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// grown returns what is known if that is more than given bytes.
func (e *early) grown(given int) ([]byte, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.known, len(e.known) > given
}
