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
	d := newDecoding(ctx, o, 0)
	r := &ranger{d: d, dst: countingWriter{w: dst, tally: d.tally}, from: from, to: to}
	err := r.read(ctxio.ReaderAt(ctx, src), size)
	return d.finish(err, r.dst.n, r.taken)
}

type ranger struct {
	d        *decoding
	dst      countingWriter
	from, to int64
	taken    int64 // payload bytes decoded
	all      bool  // the range reaches to the end
	before   int   // blocks of earlier members

	inspection *Inspection // where costs are kept instead of the content, else nil
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
	} else if e := r.d.ctx.Err(); e != nil {
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
		r.before += len(m.Blocks)
		return nil
	})
	var reading *rangeError
	if !errors.As(err, &reading) {
		if e := r.d.flush(r.write); e != nil {
			return e
		}
	}
	r.all = err == nil && (r.to < 0 || r.to >= end)
	switch {
	case errors.Is(err, errRangeDone):
		return nil
	case errors.As(err, &reading):
		return reading.err
	case err != nil && r.to >= 0 && r.to <= end && r.d.ctx.Err() == nil:
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
	r.all = true
	var wanted []int
	var starts []int64
	at := int64(0)
	for n := range k.Blocks() {
		if r.to >= 0 && at >= r.to {
			r.all = false
			break
		}
		length := k.Length(n)
		if r.wants(at, length) {
			wanted, starts = append(wanted, n), append(starts, at)
		}
		at += length
	}
	r.all = r.all && (r.to < 0 || r.to >= at)
	for i, n := range wanted {
		r.d.pipe.Expect(len(wanted) - i)
		if err := r.block(k, n, starts[i]); err != nil {
			return err
		}
	}
	if err := r.d.flush(r.write); err != nil {
		return err
	}
	r.d.tally.start(predict.Info{}, 0, false)
	return nil
}

// block decodes block n of k, which starts at at.
func (r *ranger) block(k *archive.Seeker, n int, at int64) error {
	if err := r.d.ctx.Err(); err != nil {
		return err
	}
	q := &decoded{number: r.before + n, header: k.Header(), at: at}
	q.block, q.err = k.Block(n)
	q.record = k.Record()
	return r.d.add(q, k.Payload, r.write)
}

// write writes what is wanted of a block.
func (r *ranger) write(q *decoded) error {
	if r.inspection != nil {
		return r.inspect(q)
	}
	if q.err != nil {
		return q.err
	}
	r.taken += int64(len(q.payload))
	r.d.done(q, int64(len(q.payload)))
	lo := max(r.from-q.at, 0)
	hi := int64(len(q.data))
	if r.to >= 0 {
		hi = min(hi, r.to-q.at)
	}
	if err := r.d.o.checkOutput(r.dst.n + hi - lo); err != nil {
		return err
	}
	_, err := r.dst.Write(q.data[lo:hi])
	return err
}
