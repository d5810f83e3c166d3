package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/predict"
)

// A Reader decompresses an archive, or several one after the other, as one stream.
// It returns the first parts of a large block before the block's checksum could be
// checked, and the last one after that: only io.EOF says that all is right. It is not
// safe for concurrent use.
type Reader struct {
	d      *decoding
	cancel context.CancelFunc
	ar     *archive.Reader

	header *archive.Header // of the member being read
	first  *archive.Header
	sum    *archive.Summer // of the member's content delivered; nil before its first block

	given   int      // bytes of the first at work that have been returned
	waiting *decoded // the next block, whose payload has not been read
	taken   int64    // bytes of content delivered or at work
	size    int64    // of the archive, 0 where it is not known
	ended   error    // why no more blocks are begun: io.EOF or an error
	cur     []byte
	last    *decoded // what cur is a part of, if all of it is known
	total   int64    // original bytes delivered
	err     error
}

// memberEnd is the end of a member, where its whole content can be checked.
type memberEnd struct {
	checked bool
	want    [sha256.Size]byte
}

// NewReader reads the header of the archive in r and returns a Reader of its
// content. The models it needs are resolved when the first coded block comes.
func NewReader(r io.Reader, o ReadOptions) (*Reader, error) {
	return NewReaderContext(context.Background(), r, o)
}

// NewReaderContext is NewReader with a context that ends the work early.
func NewReaderContext(ctx context.Context, r io.Reader, o ReadOptions) (*Reader, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := newDecoding(ctx, o, 0)
	z := &Reader{d: d, cancel: cancel, ar: archive.NewReader(&timedReader{r, d.tally})}
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
		z.d.tally.result.Meta = headerMeta(h)
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
	out := countingWriter{w: w, tally: z.d.tally}
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
		z.d.reuse(z.last)
		z.last, z.d.held = nil, 0
	}
	z.cur = nil
	for len(z.cur) == 0 {
		z.fill()
		if z.d.pipe.Len() == 0 {
			z.err = z.ended
			return z.err
		}
		q, all := z.d.pipe.First()
		if q.end != nil {
			z.pop()
			if z.err = z.endMember(q); z.err != nil {
				return z.err
			}
			continue
		}
		var data []byte
		if all {
			data = q.data
			if q.err != nil {
				z.err = q.err
				if z.given > 0 && z.d.ctx.Err() == nil {
					z.err = fmt.Errorf("%w; %d bytes of the block came out before that was known", q.err, z.given)
				}
				z.pop()
				return z.err
			}
		} else if known, more := q.grown(z.given); more {
			data = known
		} else {
			select {
			case <-q.more:
			case <-z.d.pipe.Changed():
			}
			continue
		}
		z.cur = data[z.given:]
		if z.sum == nil {
			z.sum = archive.NewSummer(q.header)
		}
		z.sum.Write(z.cur)
		z.total += int64(len(z.cur))
		z.given = len(data)
		if !all {
			continue
		}
		z.pop()
		z.sum.EndBlock()
		z.d.done(q, int64(q.size))
		z.last, z.d.held = q, int64(cap(data))
		return nil
	}
	return nil
}

// pop takes out the first of what is at work.
func (z *Reader) pop() {
	z.d.pipe.Take()
	z.given = 0
}

// endMember checks the whole content of a member.
func (z *Reader) endMember(q *decoded) error {
	if z.sum == nil {
		z.sum = archive.NewSummer(q.header)
	}
	got, _ := z.sum.Sum()
	z.sum = nil
	if q.end.checked && got != q.end.want {
		return &archive.Error{Block: -1, Offset: q.at, What: "the whole content differs from the original, although no block does", Class: ErrChecksum}
	}
	return nil
}

// fill begins blocks until enough are at work, or there is memory for no more of them.
func (z *Reader) fill() {
	for z.ended == nil {
		if z.waiting == nil && !z.d.pipe.Fits(0) {
			return
		}
		if err := z.begin(); err != nil {
			z.ended = err
		}
		if z.waiting != nil {
			return // there will be memory once the blocks at work are done
		}
	}
}

// begin reads a record and begins to decode it if it is a block that fits.
func (z *Reader) begin() error {
	d := z.d
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if z.waiting == nil {
		start := z.ar.Offset()
		b, err := z.ar.NextBlock()
		if errors.Is(err, io.EOF) {
			if d.tally.result.Blocks == 0 && d.pipe.Len() == 0 {
				d.tally.start(predict.Info{}, 0, false) // an empty archive
			}
			q := &decoded{at: start, header: z.header, end: &memberEnd{}}
			q.end.want, q.end.checked = z.ar.Sum()
			d.pipe.PutDone(q)
			return z.nextMember()
		}
		if err != nil {
			return err
		}
		if err := d.o.checkOutput(z.taken + int64(b.Length)); err != nil {
			return err
		}
		q := &decoded{number: z.ar.Block(), header: z.header, block: b, at: start, record: start}
		if err := d.prepare(q, indexEntry*int64(z.ar.Blocks())); err != nil {
			return err
		}
		z.waiting = q
		if z.size > 0 {
			d.tally.warnOfRatio(d.tally.total, z.size)
		}
		d.tally.warnOfRatio(z.taken+int64(b.Length), z.ar.Offset()+int64(b.Size))
	}
	q := z.waiting
	if !d.fits(q) {
		return nil
	}
	z.waiting = nil
	var err error
	if q.payload, err = z.ar.Payload(d.takeSpare(0)); err != nil {
		return err
	}
	q.size = int(z.ar.Offset() - q.at)
	z.taken += int64(q.block.Length)
	d.start(q, true)
	return nil
}

// indexEntry is what a block takes in memory until the index has been compared: its entry,
// in a list that grows.
const indexEntry = 40

// Result returns what was done. It is complete after Close.
func (z *Reader) Result() Result { return z.d.tally.result }

// Close ends the work and closes the models. It does not close the underlying
// reader.
func (z *Reader) Close() error {
	z.cancel()
	closed := z.d.close()
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
	z.d.tally.result.OriginalBytes = z.total
	z.d.tally.result.CompressedBytes = z.ar.Offset()
	z.d.tally.finish(err)
	return closed
}

// timedReader times what comes from the underlying reader.
type timedReader struct {
	r     io.Reader
	tally *tally
}

func (t *timedReader) Read(p []byte) (int, error) {
	start := time.Now()
	n, err := t.r.Read(p)
	t.tally.addStage(StageRead, time.Since(start))
	return n, err
}
