package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/classic"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/estimate"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/ggml"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/race"
	"github.com/llmz/llmz/tui/session"
)

// runSession opens the interactive session.
func runSession(ctx context.Context, a *app) error {
	t := a.terminal()
	b := &sessionBackend{a: a}
	a.hold()
	defer a.release()
	return session.Run(ctx, b.backend(), session.Options{
		Theme: t.Theme(), Out: a.stderr, In: a.stdin, Environ: os.Environ(), Settings: a.sessionSettings(),
	})
}

// sessionBackend does what the session offers, as the commands do it.
type sessionBackend struct {
	a  *app
	mu sync.Mutex // guards the registry, whose device is set by jobs
}

func (b *sessionBackend) backend() session.Backend {
	return session.Backend{
		Models: b.models, Run: b.run, Estimate: b.estimate, Entrants: b.entrants, Inspect: b.inspect, Info: b.info,
		Pull: true, Space: b.space, TrainTarget: b.trainTarget, Remember: rememberSession, History: filepath.Join(models.DataDir(), "history.jsonl"),
	}
}

// models lists what the registry knows.
func (b *sessionBackend) models(ctx context.Context) ([]session.Model, error) {
	list, err := b.a.models.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []session.Model
	for _, e := range list {
		m := session.Model{Name: e.Name, About: e.About, Where: session.Installed, Kind: kindOf(e), Parameters: e.Parameters, Bytes: e.Bytes}
		switch {
		case e.Problem != nil:
			m.Where, m.Problem = session.Broken, e.Problem.Error()
		case e.Bundled:
			m.Where = session.Bundled
		}
		if m.About == "" && e.Path != "" {
			m.About = e.Path
		}
		// The usual one comes first.
		if e.Name == defaultModel {
			out = append([]session.Model{m}, out...)
		} else {
			out = append(out, m)
		}
	}
	here := map[string]bool{}
	for _, m := range out {
		here[m.Name] = true
	}
	for _, k := range models.KnownModels() {
		if !here[k.Name] {
			out = append(out, session.Model{Name: k.Name, About: k.About + ", " + k.Licence, Where: session.Available, Kind: "language",
				Bytes: int64(k.MB) * 1e6, Get: "llmz models pull " + k.Name})
		}
	}
	out = append(out, session.Model{Name: noModel, About: "context mixing alone, without any model: fast, and learns from the file only", Kind: "mixer"})
	return out, nil
}

// kindOf names the kind of a model for people.
func kindOf(e models.Entry) string {
	if cell := e.Metadata["llmz.cell"]; cell != "" {
		return strings.ToUpper(cell)
	}
	return e.Architecture
}

// run does a task as the commands would.
func (b *sessionBackend) run(ctx context.Context, t session.Task, j *feed.Tracker) (session.Outcome, error) {
	switch t.Op {
	case session.Pull:
		p, err := b.a.models.Pull(ctx, watchedPull(ctx, models.PullOptions{What: t.Path, Type: ggml.Q8_0}, j))
		return session.Outcome{Output: p.Path}, failure(t, pullError(err))
	case session.Train:
		out, err := b.train(ctx, t, j)
		return out, failure(t, err)
	}
	ops := map[session.Op]filejob.Op{session.Compress: filejob.Compress, session.Decompress: filejob.Decompress, session.Test: filejob.Test}
	op, ok := ops[t.Op]
	if !ok {
		return session.Outcome{}, fmt.Errorf("%s is not possible here", t.Op)
	}
	job := filejob.Job{
		Op: op, Input: t.Path, Siblings: filejob.NewInputs(t.Path), Force: t.Force, Remove: t.Remove && op != filejob.Test, Verify: t.Verify,
		Read: engine.ReadOptions{Models: b.a.models, Threads: t.Threads, Salvage: t.Salvage, Observer: j.Observe, Gate: j.Gate()},
		Warn: func(err error) {
			j.Observe(engine.Warning{Message: err.Error(), Err: err})
		},
	}
	if op == filejob.Compress {
		var err error
		if job.Write, err = b.writeOptions(ctx, t.Settings); err != nil {
			return session.Outcome{}, failure(t, err)
		}
		defer closeModels(&job.Write)
		if m := job.Write.Model; m != nil {
			job.Verify = job.Verify || !m.Info().Exact()
			if f, ok := b.a.modelFile(m); ok && job.Remove {
				job.Remove = false
				job.Warn(fmt.Errorf("the source is kept: decoding needs the model %s, which is not part of llmz", f))
			}
		}
		job.Write.Observer, job.Write.Gate = j.Observe, j.Gate()
	}
	r, err := filejob.Run(ctx, job)
	if err != nil && ctx.Err() != nil {
		err = context.Canceled
	}
	out := session.Outcome{Result: r.Result, Output: r.Output}
	if len(r.Damaged) > 0 && r.Output != "" {
		return out, nil // what was lost is part of the result
	}
	return out, failure(t, err)
}

// failure says what a key can do about the error of a task; where none can, what a
// person can do becomes part of the text.
func failure(t session.Task, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := &session.Failure{Err: err}
	switch {
	case errors.Is(err, filejob.ErrExists), errors.Is(err, models.ErrExists):
		f.Remedy = session.Overwrite
	case t.Op != session.Compress && !t.Salvage && (errors.Is(err, engine.ErrTruncated) || errors.Is(err, engine.ErrChecksum) || errors.Is(err, engine.ErrCorrupt)):
		f.Remedy = session.Salvage
	case errors.Is(err, predict.ErrModelMissing):
		if name, ok := strings.CutPrefix(howToGet(err), "llmz models pull "); ok && slices.Contains(models.KnownNames(), name) {
			f.Remedy, f.Model = session.Get, name
		}
	}
	if f.Remedy == "" {
		return hinted(err)
	}
	return f
}

// writeOptions turns settings into the engine's. It loads the models; closeModels closes
// them.
func (b *sessionBackend) writeOptions(ctx context.Context, x session.Settings) (engine.Options, error) {
	m, err := b.open(ctx, x.Model)
	o := engine.Options{Model: m, NoModel: m == nil, NoMix: x.NoMix && m != nil, BlockSize: x.BlockSize, Lanes: x.Lanes, Threads: x.Threads}
	if usual := levels[defaultLevel-1]; err == nil && x.Model == usual.model {
		o.ForRepeats, err = b.open(ctx, usual.repeats)
	}
	if err != nil {
		closeModels(&o)
	}
	return o, err
}

// open opens a model by name; nil for none.
func (b *sessionBackend) open(ctx context.Context, name string) (predict.Model, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch name {
	case noModel:
		return nil, nil
	case "":
		name = b.a.settings.model()
	}
	return b.a.models.Open(ctx, name)
}

// hinted adds to an error's text what to do, for one line on the screen.
func hinted(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if hint := hintFor(err); hint != "" {
		return fmt.Errorf("%w (%s)", err, hint)
	}
	return err
}

// entrants lists who could race: models first.
func (b *sessionBackend) entrants(ctx context.Context) ([]race.Entrant, error) {
	list, err := b.models(ctx)
	if err != nil {
		return nil, err
	}
	var out []race.Entrant
	o := codeOptions{threads: sharedThreads(2, false)}
	for _, m := range list {
		if m.Where == session.Broken {
			continue
		}
		out = append(out, b.lazy(m, o))
	}
	for _, c := range classic.All() {
		out = append(out, classicEntrant(c))
	}
	return out, nil
}

// lazy returns an entrant whose model is loaded when it starts: most of those on
// the list never do.
func (b *sessionBackend) lazy(m session.Model, o codeOptions) race.Entrant {
	if m.Where == session.Available {
		return race.Entrant{Name: m.Name, Missing: m.Get}
	}
	var once sync.Once
	var e race.Entrant
	var err error
	load := func(ctx context.Context) error {
		once.Do(func() {
			var model predict.Model
			if model, err = b.open(ctx, m.Name); err == nil {
				e = modelEntrant(m.Name, model, o)
			}
		})
		return hinted(err)
	}
	return race.Entrant{
		Name: m.Name,
		Compress: func(ctx context.Context, dst io.Writer, src io.Reader, size int64, j *feed.Tracker) (engine.Result, error) {
			if err := load(ctx); err != nil {
				return engine.Result{}, err
			}
			return e.Compress(ctx, dst, src, size, j)
		},
		Decompress: func(ctx context.Context, dst io.Writer, src io.Reader, size int64, j *feed.Tracker) (engine.Result, error) {
			if err := load(ctx); err != nil {
				return engine.Result{}, err
			}
			return e.Decompress(ctx, dst, src, size, j)
		},
		Close: func() error {
			if e.Close != nil {
				return e.Close()
			}
			return nil
		},
	}
}

// inspect looks at the beginning of a file.
func (b *sessionBackend) inspect(ctx context.Context, path, model string, observe engine.Observer) (*engine.Inspection, error) {
	f, err := ctxio.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, inspectLimit))
	if err != nil {
		return nil, err
	}
	m, err := b.open(ctx, model)
	if err != nil {
		return nil, hinted(err)
	}
	if m != nil {
		defer m.Close()
	}
	return engine.Inspect(ctx, content, engine.InspectOptions{Model: m, Observer: observe, Meta: filejob.MetaOf(f)})
}

// info tells what "llmz info" would.
func (b *sessionBackend) info(ctx context.Context, path string) ([]string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(r)
		text <- string(data)
	}()
	quiet := *b.a
	quiet.stdout = w
	err = quiet.infoFile(ctx, path, false, nil)
	w.Close()
	out := <-text
	if err != nil {
		return nil, hinted(err)
	}
	return strings.Split(strings.TrimRight(out, "\n"), "\n"), nil
}

// estimate judges a file by samples, as "llmz estimate" does.
func (b *sessionBackend) estimate(ctx context.Context, path string, x session.Settings) (session.Estimate, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return session.Estimate{}, err
	}
	defer f.Close()
	write, err := b.writeOptions(ctx, x)
	if err != nil {
		return session.Estimate{}, err
	}
	defer closeModels(&write)
	write.Meta = filejob.MetaOf(f)
	p, err := estimate.NewFile(f, size, estimate.DefaultBudget).Predict(ctx, write)
	return session.Estimate{Original: p.OriginalBytes, Bytes: p.CompressedBytes, Time: p.Elapsed, Exact: p.Exact}, err
}
