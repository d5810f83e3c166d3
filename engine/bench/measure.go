package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/llmz/llmz/engine"
)

// ErrMismatch means that a decoded archive was not what had been compressed.
var ErrMismatch = errors.New("decoded data differs from the original")

// Measure measures one case in this process. It always returns a row; one that
// failed says why in Error.
func Measure(ctx context.Context, c Case, open Opener) Row {
	row := Row{
		Op: "bench", File: c.Data.Name, Model: c.Model, Kind: c.Kind,
		Device: c.Device, Kernel: c.Kernel, Threads: c.Threads, ThreadsAsked: c.Threads, LanesAsked: c.Lanes, BlockSize: c.BlockSize, NoMix: c.NoMix, Rich: c.Rich, Levels: c.Levels,
		Command: c.Command, Rot13: c.Data.Rot13, Limit: c.Data.Limit, Profile: stages(engine.Profile{}, engine.Compressing),
	}
	m := measurement{ctx: ctx, c: c, row: &row}
	if err := m.run(open); err != nil {
		row.fail(ctx, err)
	}
	return row
}

// fail makes r a failed row.
func (r *Row) fail(ctx context.Context, err error) {
	r.Verified = false
	r.Error = err.Error()
	if ctx.Err() != nil {
		r.Error = "interrupted"
	}
}

// measurement is the work on one row.
type measurement struct {
	ctx     context.Context
	c       Case
	row     *Row
	subject Subject
	archive bytes.Buffer
}

func (m *measurement) run(open Opener) (err error) {
	size, err := m.c.Data.Size()
	if err != nil {
		return err
	}
	m.row.OriginalBytes = size
	start := time.Now()
	s, facts, err := open(m.ctx, m.c)
	if err != nil {
		return err
	}
	m.row.LoadSeconds = time.Since(start).Seconds()
	m.subject = s
	defer func() { err = errors.Join(err, s.Close()) }()
	r := m.row
	r.ModelSHA256, r.Parameters, r.ModelBytes, r.Note = facts.ModelSHA256, facts.Parameters, facts.ModelBytes, facts.Note
	r.Device, r.Kernel = facts.Device, facts.Kernel

	if err := m.warmUp(); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	if r.Compress, err = m.repeat(m.compress); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if r.Decompress, err = m.repeat(m.decompress); err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	r.Verified = true
	r.CompressedBytes = int64(m.archive.Len())
	if m.c.Kind == KindModel {
		sum := sha256.Sum256(m.archive.Bytes())
		r.ArchiveSHA256 = hex.EncodeToString(sum[:])
	}
	if r.PeakRSSBytes == 0 && m.c.Kind != KindPeer {
		r.PeakRSSBytes = PeakRSS()
	}
	r.settle()
	return nil
}

// warmUp runs the first bytes of the data through both directions, so that
// files, weights and code are in memory before the clock starts. Programs are
// left out: they start cold each time, for everybody.
func (m *measurement) warmUp() error {
	if m.c.Kind == KindPeer {
		return nil
	}
	d := m.c.Data
	if d.Limit == 0 || d.Limit > WarmupBytes {
		d.Limit = WarmupBytes
	}
	for range m.c.Plan.Warmup {
		src, err := d.Open()
		if err != nil {
			return err
		}
		var archive bytes.Buffer
		_, err = m.subject.Compress(m.ctx, &archive, src, min(WarmupBytes, m.row.OriginalBytes), nil)
		src.Close()
		if err != nil {
			return err
		}
		if _, err := m.subject.Decompress(m.ctx, io.Discard, &archive); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs f as often as the plan says and describes the times.
func (m *measurement) repeat(f func(run int) (time.Duration, error)) (Summary, error) {
	var seconds []float64
	var spent time.Duration
	for run := 0; ; run++ {
		d, err := f(run)
		if err != nil {
			return Summary{}, err
		}
		seconds = append(seconds, d.Seconds())
		spent += d
		enough := run+1 >= max(m.c.Plan.Runs, 1)
		short := spent < ShortRun && run+1 < maxRuns && m.c.Kind != KindPeer
		over := m.c.Plan.Budget > 0 && spent > m.c.Plan.Budget
		if over || enough && !short {
			return Summarize(seconds), nil
		}
	}
}

func (m *measurement) compress(run int) (time.Duration, error) {
	src, err := m.c.Data.Open()
	if err != nil {
		return 0, err
	}
	defer src.Close()
	var curve sampler
	var sample func(int64, int64)
	if run == 0 && m.c.Plan.Curve {
		sample = curve.add
	}
	var archive bytes.Buffer
	archive.Grow(min(int(m.row.OriginalBytes)/2+4096, 64<<20))
	start := time.Now()
	out, err := m.subject.Compress(m.ctx, &archive, src, m.row.OriginalBytes, sample)
	elapsed := time.Since(start)
	if err != nil {
		return 0, err
	}
	if run == 0 {
		m.archive = archive
		r := m.row
		r.Symbols, r.Blocks, r.Lanes, r.Mixer, r.Profile = out.Symbols, out.Blocks, out.Lanes, out.Mixer, out.Profile
		if r.Profile == nil {
			r.Profile = stages(engine.Profile{engine.StageOther: m.took(out, elapsed)}, engine.Compressing)
		}
		if out.Threads > 0 {
			r.Threads = out.Threads
		}
		if sample != nil {
			r.Curve = curve.points(r.OriginalBytes, int64(archive.Len()))
		}
	} else if !bytes.Equal(archive.Bytes(), m.archive.Bytes()) && m.c.Kind == KindModel {
		// Other formats may record a time; ours must not differ between two runs.
		return 0, errors.New("two runs gave different archives")
	}
	return m.took(out, elapsed), nil
}

func (m *measurement) decompress(run int) (time.Duration, error) {
	want, err := m.c.Data.Open()
	if err != nil {
		return 0, err
	}
	defer want.Close()
	check := comparer{want: want, start: time.Now()}
	start := check.start
	out, err := m.subject.Decompress(m.ctx, &check, bytes.NewReader(m.archive.Bytes()))
	elapsed := time.Since(start)
	if err == nil {
		err = check.finish()
	}
	if err != nil {
		return 0, err
	}
	if run == 0 {
		m.row.DecompressProfile = out.Profile
		m.row.FirstByteSeconds = check.first.Seconds()
	}
	return m.took(out, elapsed), nil
}

// took notes the run's memory and returns its time.
func (m *measurement) took(out Outcome, elapsed time.Duration) time.Duration {
	m.row.PeakRSSBytes = max(m.row.PeakRSSBytes, out.PeakRSSBytes)
	if out.Elapsed > 0 {
		return out.Elapsed
	}
	return elapsed
}

// comparer is a writer that expects what another reader gives.
type comparer struct {
	want  io.Reader
	start time.Time
	first time.Duration
	n     int64
	buf   []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if c.first == 0 && len(p) > 0 {
		c.first = max(time.Since(c.start), 1)
	}
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, err := io.ReadFull(c.want, c.buf[:len(p)])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	for i, b := range p[:n] {
		if c.buf[i] != b {
			return i, fmt.Errorf("%w at byte %d", ErrMismatch, c.n+int64(i))
		}
	}
	if n < len(p) {
		return n, fmt.Errorf("%w: it is longer than %d bytes", ErrMismatch, c.n+int64(n))
	}
	c.n += int64(n)
	return n, nil
}

// finish checks that all that was expected has come.
func (c *comparer) finish() error {
	var one [1]byte
	if n, _ := io.ReadFull(c.want, one[:]); n > 0 {
		return fmt.Errorf("%w: it ends after %d bytes", ErrMismatch, c.n)
	}
	return nil
}

// sampler keeps samples along a file.
type sampler struct{ all [][2]int64 }

func (s *sampler) add(n, compressed int64) {
	if last := len(s.all) - 1; last >= 0 && s.all[last][0] >= n {
		return
	}
	s.all = append(s.all, [2]int64{n, compressed})
}

// curvePoints is the most points that a row keeps of its curve.
const curvePoints = 60

// points returns at most curvePoints of the samples, evenly along the file, the
// last being the whole of it.
func (s *sampler) points(total, compressed int64) [][2]int64 {
	var pts [][2]int64
	next := int64(0)
	for _, p := range s.all {
		if p[0] >= next && p[0] > 0 && p[0] < total {
			pts = append(pts, p)
			next = p[0] + total/curvePoints + 1
		}
	}
	return append(pts, [2]int64{total, compressed})
}
