package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/archive"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/predict"
)

// DamageError reports that parts of an archive could not be restored. It wraps the
// error of the first one.
type DamageError struct {
	Damaged []Damage
}

func (e *DamageError) Error() string {
	var lost int64
	known := true
	for _, d := range e.Damaged {
		if d.Length < 0 {
			known = false
		} else {
			lost += d.Length
		}
	}
	s := fmt.Sprintf("%d damaged parts", len(e.Damaged))
	if len(e.Damaged) == 1 {
		s = "one damaged part"
	}
	if known {
		s += fmt.Sprintf(", %d bytes lost", lost)
	} else {
		s += ", an unknown number of bytes lost"
	}
	return fmt.Sprintf("%s: %v", s, e.Damaged[0].Err)
}

func (e *DamageError) Unwrap() error { return e.Damaged[0].Err }

// Salvage writes to dst what can be restored of the damaged archive of size bytes
// in src: every intact block, one after the other, without what lay between
// them. If anything is missing, Result.Damaged says where, and the error is a
// DamageError.
func Salvage(ctx context.Context, dst io.Writer, src io.ReaderAt, size int64, o ReadOptions) (Result, error) {
	total, blocks := contentSize(ctx, src, size)
	d := newDecoding(ctx, o, total)
	d.pipe.Expect(blocks)
	s := &salvager{d: d, dst: countingWriter{w: dst, tally: d.tally}}
	err := s.run(src, size)
	d.tally.result.Damaged = s.damaged
	if err == nil && len(s.damaged) > 0 {
		err = &DamageError{s.damaged}
	}
	return d.finish(err, s.dst.n, size)
}

type salvager struct {
	d       *decoding
	dst     countingWriter
	damaged []Damage
	found   int  // blocks found
	met     bool // a header has been seen
}

func (s *salvager) run(src io.ReaderAt, size int64) error {
	d := s.d
	scan := archive.NewScanner(ctxio.ReaderAt(d.ctx, src), size)
	scan.Check = func(h *archive.Header, b *archive.Block) error { return admit(s.found, h, b, &d.o, 0) }
	for {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		f, err := scan.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if e := d.flush(s.take); e != nil {
				return e
			}
			return err
		}
		if f.Header != nil && !s.met {
			s.met = true
			d.tally.result.Meta = headerMeta(f.Header)
		}
		q := &decoded{number: s.found, header: f.Header, at: f.Offset, gap: f}
		if f.Block != nil {
			q.block, q.size, q.record = &f.Block.Block, int(f.Block.RecordSize), f.Block.At
			s.found++
		}
		copied := func(buf []byte) ([]byte, error) { return append(buf[:0], f.Payload...), nil }
		if err := d.add(q, copied, s.take); err != nil {
			return err
		}
	}
	if err := d.flush(s.take); err != nil {
		return err
	}
	d.tally.start(predict.Info{}, 0, false)
	if !s.met && len(s.damaged) > 0 && s.found == 0 {
		return s.damaged[0].Err // nothing like an archive
	}
	return nil
}

// take writes a block, or notes what is lost.
func (s *salvager) take(q *decoded) error {
	switch {
	case q.block == nil:
		s.lost(q.number, q.at, q.gap.Lost, q.gap.Err)
		return nil
	case q.err != nil && s.fatal(q.err):
		return q.err
	case q.err != nil:
		s.lost(q.number, q.at, int64(q.block.Length), q.err)
		return nil
	}
	if err := s.d.o.checkOutput(s.dst.n + int64(len(q.data))); err != nil {
		return err
	}
	s.d.done(q, int64(q.size))
	_, err := s.dst.Write(q.data)
	return err
}

// fatal tells whether err is not the archive's fault: a missing model, say.
func (s *salvager) fatal(err error) bool {
	if s.d.ctx.Err() != nil {
		return true
	}
	for _, class := range []error{ErrCorrupt, ErrChecksum, ErrTruncated} {
		if errors.Is(err, class) {
			return false
		}
	}
	return true
}

func (s *salvager) lost(block int, offset, length int64, err error) {
	d := Damage{Block: block, Offset: offset, Length: length, Err: err}
	s.damaged = append(s.damaged, d)
	s.d.tally.warn(d.String(), err)
}

// String describes the damage.
func (d Damage) String() string {
	switch {
	case d.Offset < 0 && d.Length < 0:
		return "content of unknown length is lost"
	case d.Offset < 0:
		return fmt.Sprintf("%d bytes of content are lost", d.Length)
	case d.Length < 0:
		return fmt.Sprintf("what follows byte %d of the content may be lost", d.Offset)
	}
	return fmt.Sprintf("bytes %d to %d of the content are lost", d.Offset, d.Offset+d.Length-1)
}

// salvageReader salvages from a reader that may not be able to seek: what cannot is
// copied to a temporary file first.
func salvageReader(ctx context.Context, dst io.Writer, src io.Reader, o ReadOptions) (Result, error) {
	if at, size, ok := randomAccess(src); ok {
		return Salvage(ctx, dst, at, size, o)
	}
	f, err := outfile.Temp()
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	size, err := io.Copy(f, src)
	if err != nil {
		return Result{}, err
	}
	return Salvage(ctx, dst, f, size, o)
}

// randomAccess returns the part of src from its position on as an io.ReaderAt, if it
// can be read so.
func randomAccess(src io.Reader) (io.ReaderAt, int64, bool) {
	r, ok := src.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil, 0, false
	}
	pos, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0, false
	}
	end, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, false
	}
	if _, err := r.Seek(pos, io.SeekStart); err != nil {
		return nil, 0, false
	}
	return io.NewSectionReader(r, pos, max(end-pos, 0)), max(end-pos, 0), true
}
