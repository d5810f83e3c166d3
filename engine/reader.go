package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// A Reader decompresses an archive, or several one after the other, as one stream.
// It returns the first parts of a large block before the block's checksum could be
// checked, and the last one after that: only io.EOF says that all is right. It is not
// safe for concurrent use.
type Reader struct {
	ctx    context.Context
	cancel context.CancelFunc
	o      ReadOptions
	job    *job
	ar     *archive.Reader
	models modelCache

	header *archive.Header // of the member being read
	first  *archive.Header
	plan   plan
	sum    hash.Hash // of the member's content delivered

	queue   []*queued
	given   int     // bytes of the first in the queue that have been returned
	waiting *queued // the next block, whose payload has not been read
	taken   int64   // bytes of content delivered or queued
	size    int64   // of the archive, 0 where it is not known
	ended   error   // why no more blocks are queued: io.EOF or an error
	cur     []byte
	last    []byte   // the buffer that cur is a part of
	spare   [][]byte // buffers for payloads and content
	total   int64    // original bytes delivered
	err     error
}

// queued is a block being decoded, or the end of a member.
type queued struct {
	number  int
	start   int64 // where its record starts
	dec     *blockDecoder
	block   *archive.Block // nil at the end of a member
	size    int            // of the whole record, about
	data    []byte
	payload []byte
	err     error
	done    chan struct{}
	more    chan struct{} // says that known has grown
	mu      sync.Mutex    // guards known
	known   []byte        // what is known of data while it is being decoded
	// At the end of a member:
	checked bool
	want    [sha256.Size]byte
	at      int64
}

// NewReader reads the header of the archive in r and returns a Reader of its
// content. The models it needs are resolved when the first coded block comes.
func NewReader(r io.Reader, o ReadOptions) (*Reader, error) {
	return NewReaderContext(context.Background(), r, o)
}

// NewReaderContext is NewReader with a context that ends the work early.
func NewReaderContext(ctx context.Context, r io.Reader, o ReadOptions) (*Reader, error) {
	j := newJob(Decompressing, o.Threads, o.Observer, o.ProgressInterval, 0, o.Gate)
	ctx, cancel := context.WithCancel(ctx)
	z := &Reader{ctx: ctx, cancel: cancel, o: o, job: j, models: modelCache{resolver: o.Models}, plan: plan{blocks: 1, threads: j.threads}}
	z.ar = archive.NewReader(&timedReader{r, j})
	if err := z.nextMember(); err != nil {
		cancel()
		return nil, err
	}
	return z, nil
}

// Meta returns what the archive's first member keeps about the original file.
func (z *Reader) Meta() Meta { return headerMeta(z.first) }

// Header returns the header of the archive's first member.
func (z *Reader) Header() *archive.Header { return z.first }

func (z *Reader) nextMember() error {
	h, err := z.ar.NextMember()
	if err != nil {
		return err
	}
	if err := checkMember(h); err != nil {
		return err
	}
	if z.first == nil {
		z.first = h
		z.job.result.Meta = headerMeta(h)
	}
	z.header = h
	return nil
}

// Read implements io.Reader.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(z.cur) == 0 {
		if err := z.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.cur)
	z.cur = z.cur[n:]
	return n, nil
}

// WriteTo writes all of the content to w. It implements io.WriterTo.
func (z *Reader) WriteTo(w io.Writer) (int64, error) {
	out := countingWriter{w: w, job: z.job}
	for {
		if len(z.cur) > 0 {
			k, err := out.Write(z.cur)
			z.cur = z.cur[min(max(k, 0), len(z.cur)):]
			if err != nil {
				return out.n, err
			}
		}
		if err := z.next(); errors.Is(err, io.EOF) {
			return out.n, nil
		} else if err != nil {
			return out.n, err
		}
	}
}

// next makes the next part of the content current.
func (z *Reader) next() error {
	if z.err != nil {
		return z.err
	}
	if z.last != nil {
		z.spare = append(z.spare, z.last)
		z.last = nil
	}
	z.cur = nil
	for len(z.cur) == 0 {
		z.fill()
		if len(z.queue) == 0 {
			z.err = z.ended
			return z.err
		}
		q := z.queue[0]
		if q.block == nil {
			z.pop()
			if z.err = z.endMember(q); z.err != nil {
				return z.err
			}
			continue
		}
		data, all := q.wait(z.given)
		if q.err != nil && all {
			z.err = q.err
			if z.given > 0 && z.ctx.Err() == nil {
				z.err = fmt.Errorf("%w; %d bytes of the block came out before that was known", q.err, z.given)
			}
			z.pop()
			return z.err
		}
		z.cur = data[z.given:]
		if z.sum == nil {
			z.sum = sha256.New()
		}
		z.sum.Write(z.cur)
		z.total += int64(len(z.cur))
		z.given = len(data)
		if !all {
			continue
		}
		z.pop()
		z.job.blockDone(BlockDone{
			Block: q.number, Stored: q.block.Kind == archive.Stored, Lanes: q.block.Lanes,
			OriginalBytes: int64(len(data)), CompressedBytes: int64(q.size),
		})
		z.last = data
		if q.block.Kind != archive.Stored { // whose content is the payload
			z.spare = append(z.spare, q.payload)
		}
		return nil
	}
	return nil
}

// pop takes the first out of the queue.
func (z *Reader) pop() {
	z.queue[0] = nil
	z.queue = z.queue[1:]
	z.given = 0
}

// wait returns what is known of the block's content as soon as that is more than given
// bytes, or all.
func (q *queued) wait(given int) (data []byte, all bool) {
	for {
		select {
		case <-q.done:
			return q.data, true
		default:
		}
		select {
		case <-q.done:
			return q.data, true
		case <-q.more:
			q.mu.Lock()
			known := q.known
			q.mu.Unlock()
			if len(known) > given {
				return known, false
			}
		}
	}
}

// tell takes what is known of the content by now.
func (q *queued) tell(known []byte) {
	q.mu.Lock()
	q.known = known
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// endMember checks the whole content of a member.
func (z *Reader) endMember(q *queued) error {
	var got [sha256.Size]byte
	if z.sum != nil {
		z.sum.Sum(got[:0])
	}
	z.sum = nil
	if q.checked && got != q.want {
		return &archive.Error{Block: -1, Offset: q.at, What: "the whole content differs from the original, although no block does", Class: ErrChecksum}
	}
	return nil
}

// fill queues blocks until enough are at work, or there is memory for no more of them.
func (z *Reader) fill() {
	for z.ended == nil && len(z.queue) < z.plan.blocks {
		if err := z.queueOne(); err != nil {
			z.ended = err
		}
		if z.waiting != nil && len(z.queue) > 0 {
			return // there will be memory once the blocks at work are done
		}
	}
}

// queueOne reads a record and starts to decode it if it is a block.
func (z *Reader) queueOne() error {
	if err := z.ctx.Err(); err != nil {
		return err
	}
	if z.waiting == nil {
		start := z.ar.Offset()
		b, err := z.ar.NextBlock()
		if errors.Is(err, io.EOF) {
			if z.job.result.Blocks == 0 && len(z.queue) == 0 {
				z.job.start(predict.Info{}, 0, false) // an empty archive
			}
			q := &queued{at: start}
			q.want, q.checked = z.ar.Sum()
			z.queue = append(z.queue, q)
			return z.nextMember()
		}
		if err != nil {
			return err
		}
		if err := z.o.checkOutput(z.taken + int64(b.Length)); err != nil {
			return err
		}
		z.waiting = &queued{number: z.ar.Block(), start: start, block: b}
		if err := z.prepare(z.waiting); err != nil {
			return err
		}
	}
	q := z.waiting
	if !z.fits(q) && len(z.queue) > 0 {
		return nil
	}
	z.waiting = nil
	b := q.block
	var err error
	if q.payload, err = z.ar.Payload(z.takeSpare(0)); err != nil {
		return err
	}
	var dst []byte
	if b.Kind != archive.Stored {
		dst = z.takeSpare(b.Length)
	}
	q.size = int(z.ar.Offset() - q.start)
	q.done, q.more = make(chan struct{}), make(chan struct{}, 1)
	z.taken += int64(b.Length)
	go func() {
		q.data, q.err = q.dec.decode(z.ctx, q.number, b, q.payload, dst, q.tell)
		close(q.done)
	}()
	z.queue = append(z.queue, q)
	return nil
}

// fits tells whether q may be decoded beside the blocks at work. Buffers kept for later go
// first.
func (z *Reader) fits(q *queued) bool {
	budget := z.o.MemoryLimit
	if budget <= 0 {
		budget = int64(z.job.threads)*memoryPerThread + q.dec.fixed
	}
	need := q.dec.fixed + q.dec.need + int64(cap(z.last))
	for _, w := range z.queue {
		if w.dec != nil {
			need += w.dec.need
		}
	}
	spare := int64(0)
	for _, b := range z.spare {
		spare += int64(cap(b))
	}
	if need+spare > budget {
		z.spare = nil
	}
	return need <= budget
}

// takeSpare returns a spare buffer, with room for n bytes if there is such a one.
func (z *Reader) takeSpare(n int) []byte {
	for i, b := range z.spare {
		if cap(b) >= n {
			z.spare = append(z.spare[:i], z.spare[i+1:]...)
			return b
		}
	}
	return nil
}

// indexEntry is what a block takes in memory until the index has been compared: its entry,
// in a list that grows.
const indexEntry = 40

// prepare gets the model for the member's first coded block, and checks that the
// block may be decoded in the memory allowed.
func (z *Reader) prepare(q *queued) error {
	d, err := newBlockDecoder(z.ctx, z.job, &z.models, z.header, q.number, q.block, &z.o, indexEntry*int64(z.ar.Blocks()))
	if err != nil {
		return err
	}
	q.dec = d
	if q.block.Kind != archive.Stored {
		z.plan = d.plan
	}
	if z.size > 0 {
		z.job.warnOfRatio(z.job.total, z.size)
	}
	z.job.warnOfRatio(z.taken+int64(q.block.Length), z.ar.Offset()+int64(q.block.Size))
	return nil
}

// Result returns what was done. It is complete after Close.
func (z *Reader) Result() Result { return z.job.result }

// Close ends the work and closes the models. It does not close the underlying
// reader.
func (z *Reader) Close() error {
	z.cancel()
	for _, q := range z.queue {
		if q.done != nil {
			<-q.done
		}
	}
	z.queue = nil
	if z.ended == nil {
		z.ended = errors.New("read from a closed llmz reader")
	}
	err := z.err
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if z.err == nil {
		z.err = z.ended
	}
	z.job.result.OriginalBytes = z.total
	z.job.result.CompressedBytes = z.ar.Offset()
	z.job.finish(err)
	return z.models.close()
}

// timedReader times what comes from the underlying reader.
type timedReader struct {
	r   io.Reader
	job *job
}

func (t *timedReader) Read(p []byte) (int, error) {
	start := time.Now()
	n, err := t.r.Read(p)
	t.job.addStage(StageRead, time.Since(start))
	return n, err
}
