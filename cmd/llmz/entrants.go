package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/classic"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/race"
)

// codeOptions are the settings that entrants run with.
type codeOptions struct {
	threads   int
	lanes     int
	blockSize int
	noMix     bool
}

// sharedThreads returns the threads for each of n entrants that run side by side:
// more than there are cores would only make them wait for each other.
func sharedThreads(n int, sequential bool) int {
	if sequential || n < 2 {
		return 0
	}
	return max(1, runtime.GOMAXPROCS(0)/n)
}

// entrant returns the entrant of that name: a classic compressor, none (context
// mixing alone), or a model. A model that is not here comes with the way to get it.
func (a *app) entrant(ctx context.Context, name string, o codeOptions) (race.Entrant, error) {
	if c, err := classic.ByName(name); err == nil {
		return classicEntrant(c), nil
	}
	if name == noModel {
		return modelEntrant(name, nil, o), nil
	}
	m, err := a.models.Open(ctx, name)
	if err != nil {
		if get := howToGet(err); get != "" {
			return race.Entrant{Name: name, Missing: get}, nil
		}
		return race.Entrant{}, err
	}
	return modelEntrant(name, m, o), nil
}

// howToGet returns the command that gets what err says is missing, empty where there
// is none.
func howToGet(err error) string {
	if errors.Is(err, predict.ErrRuntimeMissing) {
		return "llmz runtime install"
	}
	var missing *models.MissingError
	if errors.As(err, &missing) {
		return missing.Get()
	}
	return ""
}

// modelEntrant codes with a model, or without any.
func modelEntrant(name string, m predict.Model, o codeOptions) race.Entrant {
	e := race.Entrant{Name: name}
	e.Compress = func(ctx context.Context, dst io.Writer, src io.Reader, size int64, j *feed.Tracker) (engine.Result, error) {
		write := engine.Options{
			Model: m, NoModel: m == nil, NoMix: o.noMix && m != nil, BlockSize: o.blockSize, Lanes: o.lanes, Threads: o.threads, Size: size, Observer: j.Observe, Gate: j.Gate(),
		}
		if f, ok := src.(*os.File); ok {
			write.Meta = filejob.MetaOf(f) // sizes are those of the archives that are written otherwise
		}
		return engine.Compress(ctx, dst, src, write)
	}
	e.Decompress = func(ctx context.Context, dst io.Writer, src io.Reader, size int64, j *feed.Tracker) (engine.Result, error) {
		return engine.Decompress(ctx, dst, src, engine.ReadOptions{Models: loaded{m}, Threads: o.threads, Observer: j.Observe, Gate: j.Gate()})
	}
	if m != nil {
		e.Close = m.Close
	}
	return e
}

// loaded is a resolver of one model that is ready and stays open.
type loaded struct{ m predict.Model }

func (l loaded) Resolve(context.Context, predict.Ref) (predict.Model, error) {
	if l.m == nil {
		return nil, predict.ErrModelMissing
	}
	if t, ok := l.m.(predict.TokenModel); ok {
		return openTokens{t}, nil
	}
	return openModel{l.m}, nil
}

// openModel and openTokens outlive what the engine does with them.
type (
	openModel  struct{ predict.Model }
	openTokens struct{ predict.TokenModel }
)

func (openModel) Close() error  { return nil }
func (openTokens) Close() error { return nil }

// classicEntrant codes with a classic compressor.
func classicEntrant(c classic.Codec) race.Entrant {
	info := predict.Info{Ref: predict.Ref{Name: c.Name}, Device: "cpu"}
	run := func(dir engine.Direction) race.Code {
		return func(ctx context.Context, dst io.Writer, src io.Reader, size int64, j *feed.Tracker) (engine.Result, error) {
			w := &classicWatch{ctx: ctx, dir: dir, size: size, job: j, start: time.Now(), held: j.Gate().Held()}
			j.Observe(engine.Started{Direction: dir, Model: info, TotalBytes: size, Threads: 1})
			w.src, w.dst = src, dst
			code := c.Compress
			if dir == engine.Decompressing {
				code = c.Decompress
			}
			err := code(ctx, writerFunc(w.write), readerFunc(w.read))
			r := engine.Result{Direction: dir, Model: info, OriginalBytes: w.original(), CompressedBytes: w.compressed(),
				Blocks: 1, Threads: 1, Elapsed: w.elapsed(), Profile: w.profile()}
			j.Observe(engine.Finished{Result: r, Err: err})
			if err != nil {
				return engine.Result{}, fmt.Errorf("%s: %w", c.Name, err)
			}
			return r, nil
		}
	}
	return race.Entrant{Name: c.Name, Note: c.Note, First: true, Compress: run(engine.Compressing), Decompress: run(engine.Decompressing)}
}

// classicWatch counts what goes through a classic compressor.
type classicWatch struct {
	ctx         context.Context
	dir         engine.Direction
	size        int64
	job         *feed.Tracker
	held        time.Duration // by the job's gate, before the start
	src         io.Reader
	dst         io.Writer
	start, last time.Time
	in, out     int64
	reading     time.Duration
	writing     time.Duration
}

func (w *classicWatch) original() int64 {
	if w.dir == engine.Compressing {
		return w.in
	}
	return w.out
}

func (w *classicWatch) compressed() int64 {
	if w.dir == engine.Compressing {
		return w.out
	}
	return w.in
}

// elapsed returns the time since the start, pauses left out.
func (w *classicWatch) elapsed() time.Duration {
	return time.Since(w.start) - (w.job.Gate().Held() - w.held)
}

func (w *classicWatch) profile() engine.Profile {
	total := w.elapsed()
	return engine.Profile{engine.StageRead: w.reading, engine.StageWrite: w.writing, engine.StageCode: max(0, total-w.reading-w.writing)}
}

func (w *classicWatch) read(p []byte) (int, error) {
	if err := w.job.Gate().Wait(w.ctx); err != nil {
		return 0, err
	}
	// Small pieces, so that the progress is seen.
	start := time.Now()
	n, err := w.src.Read(p[:min(len(p), 64<<10)])
	w.reading += time.Since(start)
	w.in += int64(n)
	w.tell()
	return n, err
}

func (w *classicWatch) write(p []byte) (int, error) {
	if err := w.job.Gate().Wait(w.ctx); err != nil {
		return 0, err
	}
	start := time.Now()
	n, err := w.dst.Write(p)
	w.writing += time.Since(start)
	w.out += int64(n)
	w.tell()
	return n, err
}

func (w *classicWatch) tell() {
	now := time.Now()
	if now.Sub(w.last) < 100*time.Millisecond {
		return
	}
	w.last = now
	w.job.Observe(engine.Progress{Bytes: w.original(), TotalBytes: w.size, CompressedBytes: w.compressed(), Elapsed: w.elapsed(), Profile: w.profile()})
}

type (
	readerFunc func([]byte) (int, error)
	writerFunc func([]byte) (int, error)
)

func (f readerFunc) Read(p []byte) (int, error)  { return f(p) }
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
