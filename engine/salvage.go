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
	j := newJob(Decompressing, o.Threads, o.Observer, o.ProgressInterval, contentSize(ctx, src, size), o.Gate)
	s := &salvager{ctx: ctx, dst: countingWriter{w: dst, job: j}, o: o, job: j, models: modelCache{resolver: o.Models}}
	err := s.run(src, size)
	if e := s.models.close(); err == nil {
		err = e
	}
	j.result.Damaged = s.damaged
	if err == nil && len(s.damaged) > 0 {
		err = &DamageError{s.damaged}
	}
	j.result.OriginalBytes = s.dst.n
	j.result.CompressedBytes = size
	return j.finish(err), err
}

type salvager struct {
	ctx     context.Context
	dst     countingWriter
	o       ReadOptions
	job     *job
	models  modelCache
	damaged []Damage
	blocks  int
	met     bool // a header has been seen
	buf     []byte
}

func (s *salvager) run(src io.ReaderAt, size int64) error {
	scan := archive.NewScanner(ctxio.ReaderAt(s.ctx, src), size)
	scan.Check = func(h *archive.Header, b *archive.Block) error { return admit(s.blocks, h, b, &s.o, 0) }
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		f, err := scan.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if f.Header != nil && !s.met {
			s.met = true
			s.job.result.Meta = headerMeta(f.Header)
		}
		if f.Block == nil {
			s.lost(f.Offset, f.Lost, f.Err)
			continue
		}
		err = s.block(f)
		if err != nil && s.fatal(err) {
			return err
		}
		if err != nil {
			s.lost(f.Offset, int64(f.Block.Length), err)
		}
		s.blocks++
	}
	s.job.start(predict.Info{}, 0, false)
	if !s.met && len(s.damaged) > 0 && s.blocks == 0 {
		return s.damaged[0].Err // nothing like an archive
	}
	return nil
}

// fatal tells whether err is not the archive's fault: a missing model, say.
func (s *salvager) fatal(err error) bool {
	if s.ctx.Err() != nil {
		return true
	}
	for _, class := range []error{ErrCorrupt, ErrChecksum, ErrTruncated} {
		if errors.Is(err, class) {
			return false
		}
	}
	return true
}

func (s *salvager) lost(offset, length int64, err error) {
	d := Damage{Block: s.blocks, Offset: offset, Length: length, Err: err}
	s.damaged = append(s.damaged, d)
	s.job.warn(d.String(), err)
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

func (s *salvager) block(f *archive.Found) error {
	if err := checkMember(f.Header); err != nil {
		return err
	}
	b := &f.Block.Block
	d, err := newBlockDecoder(s.ctx, s.job, &s.models, f.Header, s.blocks, b, &s.o, 0)
	if err != nil {
		return err
	}
	data, err := d.decode(s.ctx, s.blocks, b, f.Payload, s.buf, nil)
	if err != nil {
		return err
	}
	if b.Kind != archive.Stored {
		s.buf = data
	}
	if err := s.o.checkOutput(s.dst.n + int64(len(data))); err != nil {
		return err
	}
	s.job.blockDone(BlockDone{Block: s.blocks, Stored: b.Kind == archive.Stored, Lanes: b.Lanes, OriginalBytes: int64(len(data)), CompressedBytes: f.Block.RecordSize})
	_, err = s.dst.Write(data)
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// writeError keeps errors of the output apart from those of the archive.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

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
