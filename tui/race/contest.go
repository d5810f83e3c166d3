// Package race runs several compressors on one file, side by side or one after
// the other, and shows how they do.
//
// A Contest does the work and knows nothing of screens; Show draws a running
// one; Table prints a finished one. Anything that compresses can enter: an
// Entrant is a name and two functions.
//
// Concurrency: a Contest's lanes may be looked at while it runs.
package race

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/gate"
	"github.com/llmz/llmz/tui/feed"
)

// ErrDiffers means that what came back was not what had been compressed.
var ErrDiffers = errors.New("the decompressed content differs from the original")

// Code is one direction of an entrant: it reads src, writes dst, reports to job
// on the way and waits at its gate. size is the number of original bytes.
type Code func(ctx context.Context, dst io.Writer, src io.Reader, size int64, job *feed.Tracker) (engine.Result, error)

// An Entrant takes part in a race.
type Entrant struct {
	Name                 string
	Compress, Decompress Code
	// Missing says how to get what the entrant lacks ("llmz models pull gpt2"); it
	// is then listed, but does not run.
	Missing string
	// Note is printed under the table: where the entrant is not quite what its name
	// says, for instance.
	Note string
	// First is for those that are over soon: they run before the others and one by one,
	// so that nothing disturbs their timings.
	First bool
	// Close may be nil.
	Close func() error
}

// A Lane is an entrant on its way.
type Lane struct {
	Entrant
	Forth *feed.Tracker // compressing
	Back  *feed.Tracker // decompressing and comparing
}

// An Outcome is how a lane ended.
type Outcome struct {
	Name, Missing, Note string
	Forth, Back         engine.Result // Back is zero where it did not run
	Err                 error
}

// A Contest is a race on one file.
type Contest struct {
	Name string
	Size int64
	// Open returns the content from its beginning; it is called once for each lane
	// and direction.
	Open func() (io.ReadCloser, error)
	// Sequential runs one lane after the other, for timings that others do not
	// disturb.
	Sequential bool
	// OneWay leaves out decompressing.
	OneWay bool

	lanes []*Lane
	clock feed.Clock
	gate  *gate.Gate // of all lanes
}

// New returns a contest of the entrants; the clock may be nil.
func New(name string, size int64, open func() (io.ReadCloser, error), entrants []Entrant, clock feed.Clock) *Contest {
	if clock == nil {
		clock = time.Now
	}
	c := &Contest{Name: name, Size: size, Open: open, clock: clock, gate: gate.New(clock)}
	for _, e := range entrants {
		c.lanes = append(c.lanes, &Lane{e, feed.Gated(e.Name, size, clock, c.gate), feed.Gated(e.Name, size, clock, c.gate)})
	}
	return c
}

// Lanes returns the lanes in the order of the entrants.
func (c *Contest) Lanes() []*Lane { return c.lanes }

// Run runs the race to its end and returns how it went. An entrant that fails
// does not stop the others.
func (c *Contest) Run(ctx context.Context) []Outcome {
	out := make([]Outcome, len(c.lanes))
	var wg sync.WaitGroup
	for i, l := range c.lanes {
		out[i] = Outcome{Name: l.Name, Missing: l.Missing, Note: l.Note}
		if l.Missing == "" && l.First {
			c.lane(ctx, l, &out[i])
		}
	}
	for i, l := range c.lanes {
		switch {
		case l.Missing != "" || l.First:
		case c.Sequential:
			c.lane(ctx, l, &out[i])
		default:
			wg.Go(func() { c.lane(ctx, l, &out[i]) })
		}
	}
	wg.Wait()
	return out
}

func (c *Contest) lane(ctx context.Context, l *Lane, o *Outcome) {
	if l.Close != nil {
		defer l.Close()
	}
	o.Err = ctx.Err()
	if o.Err != nil {
		l.Forth.Finish(engine.Result{}, o.Err)
		return
	}
	var archive bytes.Buffer
	o.Forth, o.Err = c.forth(ctx, l, &archive)
	l.Forth.Finish(o.Forth, o.Err)
	if o.Err != nil || c.OneWay {
		return
	}
	o.Back, o.Err = c.back(ctx, l, archive.Bytes())
	l.Back.Finish(o.Back, o.Err)
}

func (c *Contest) forth(ctx context.Context, l *Lane, archive *bytes.Buffer) (engine.Result, error) {
	src, err := c.Open()
	if err != nil {
		return engine.Result{}, err
	}
	defer src.Close()
	return l.Compress(ctx, archive, src, c.Size, l.Forth)
}

func (c *Contest) back(ctx context.Context, l *Lane, archive []byte) (engine.Result, error) {
	want, err := c.Open()
	if err != nil {
		return engine.Result{}, err
	}
	defer want.Close()
	cmp := &comparer{want: want}
	r, err := l.Decompress(ctx, cmp, bytes.NewReader(archive), c.Size, l.Back)
	if err == nil {
		err = cmp.end()
	}
	return r, err
}

// comparer is a writer that wants to be given what another reader holds.
type comparer struct {
	want io.Reader
	at   int64
	buf  []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, err := io.ReadFull(c.want, c.buf[:len(p)])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	if n < len(p) || !bytes.Equal(c.buf[:n], p) {
		i := 0
		for i < n && c.buf[i] == p[i] {
			i++
		}
		return 0, fmt.Errorf("%w (at offset %d)", ErrDiffers, c.at+int64(i))
	}
	c.at += int64(n)
	return len(p), nil
}

func (c *comparer) end() error {
	var one [1]byte
	if n, _ := io.ReadFull(c.want, one[:]); n > 0 {
		return fmt.Errorf("%w (it ends at offset %d)", ErrDiffers, c.at)
	}
	return nil
}
