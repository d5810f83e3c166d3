package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/predict"
)

// ReadRange writes the bytes from, inclusive, to to, exclusive, of the content of the
// archive of size bytes in src to dst. It decodes only the blocks that hold
// them. A range that reaches beyond the end of the content is cut off there; to =
// -1 means the end.
func ReadRange(ctx context.Context, dst io.Writer, src io.ReaderAt, size, from, to int64, o ReadOptions) (Result, error) {
	if from < 0 || to >= 0 && to < from || to < -1 {
		return Result{}, fmt.Errorf("%w: range from %d to %d", ErrOptions, from, to)
	}
	j := newJob(Decompressing, o.Threads, o.Observer, o.ProgressInterval, 0, o.Gate)
	r := &ranger{ctx: ctx, dst: countingWriter{w: dst, job: j}, o: o, job: j, models: modelCache{resolver: o.Models}, from: from, to: to}
	err := r.read(ctxio.ReaderAt(ctx, src), size)
	if e := r.models.close(); err == nil {
		err = e
	}
	j.result.OriginalBytes = r.dst.n
	j.result.CompressedBytes = r.taken
	return j.finish(err), err
}

type ranger struct {
	ctx      context.Context
	dst      countingWriter
	o        ReadOptions
	job      *job
	models   modelCache
	from, to int64
	taken    int64 // payload bytes decoded
	buf      []byte
}

// wants tells whether the range has bytes in [at, at+n).
func (r *ranger) wants(at, n int64) bool {
	return at+n > r.from && (r.to < 0 || at < r.to)
}

func (r *ranger) read(src io.ReaderAt, size int64) error {
	// The index saves reading every block's header; without a usable one they are
	// walked through.
	if k, err := archive.NewSeeker(src, size); err == nil {
		return r.readIndexed(k)
	} else if e := r.ctx.Err(); e != nil {
		return e
	}
	var end int64 // of the content of the members so far
	err := archive.Walk(src, size, func(m *archive.Member) error {
		if r.to >= 0 && m.Content >= r.to {
			return errRangeDone
		}
		var k *archive.Seeker
		for n := range m.Blocks {
			b := &m.Blocks[n]
			if at := m.Content + b.Offset; r.wants(at, int64(b.Length)) {
				if k == nil {
					k = archive.NewMemberSeeker(src, size, m)
				}
				if err := r.block(k, n, at); err != nil {
					return &rangeError{err}
				}
			}
		}
		end = m.Content + m.Length()
		return nil
	})
	var reading *rangeError
	switch {
	case errors.Is(err, errRangeDone):
		return nil
	case errors.As(err, &reading):
		return reading.err
	case err != nil && r.to >= 0 && r.to <= end && r.ctx.Err() == nil:
		return nil // what lies before the damage could be read all the same
	}
	return err
}

// errRangeDone ends a walk behind the range.
var errRangeDone = errors.New("the range is behind")

// A rangeError is one about the range itself, not about the rest of the archive.
type rangeError struct{ err error }

func (e *rangeError) Error() string { return e.err.Error() }

func (r *ranger) readIndexed(k *archive.Seeker) error {
	at := int64(0)
	for n := range k.Blocks() {
		if r.to >= 0 && at >= r.to {
			break
		}
		length := k.Length(n)
		if r.wants(at, length) {
			if err := r.block(k, n, at); err != nil {
				return err
			}
		}
		at += length
	}
	r.job.start(predict.Info{}, 0, false)
	return nil
}

// block decodes block n of k, which starts at at, and writes what is wanted of it.
func (r *ranger) block(k *archive.Seeker, n int, at int64) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	h := k.Header()
	if err := checkMember(h); err != nil {
		return err
	}
	k.Check = func(b *archive.Block) error { return admit(n, h, b, &r.o, 0) }
	b, payload, err := k.Block(n)
	if err != nil {
		return err
	}
	d, err := newBlockDecoder(r.ctx, r.job, &r.models, h, n, b, &r.o, 0)
	if err != nil {
		return err
	}
	data, err := d.decode(r.ctx, n, b, payload, r.buf, nil)
	if err != nil {
		return err
	}
	if b.Kind != archive.Stored {
		r.buf = data
	}
	r.taken += int64(len(payload))
	r.job.blockDone(BlockDone{Block: n, Stored: b.Kind == archive.Stored, Lanes: b.Lanes, OriginalBytes: int64(len(data)), CompressedBytes: int64(len(payload))})
	lo := max(r.from-at, 0)
	hi := int64(len(data))
	if r.to >= 0 {
		hi = min(hi, r.to-at)
	}
	if err := r.o.checkOutput(r.dst.n + hi - lo); err != nil {
		return err
	}
	_, err = r.dst.Write(data[lo:hi])
	return err
}
