package main

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/tui/progress"
	tuiterm "github.com/llmz/llmz/tui/term"
	"github.com/llmz/llmz/tui/theme"
)

// terminal says what may be drawn on stderr.
func (a *app) terminal() tuiterm.Terminal { return a.terminalOn(a.stderr) }

// terminalOn says what may be drawn on f.
func (a *app) terminalOn(f *os.File) tuiterm.Terminal {
	t := tuiterm.Detect(tuiterm.Request{
		Out: f, In: a.stdin, Environ: os.Environ(),
		NoTUI: a.noTUI || a.quiet || a.json != jsonOff, Color: string(a.color),
	})
	if a.seen != nil {
		t.Dark = a.seen.Dark
	}
	return t
}

// wantTUI reports whether commands may draw on the terminal rather than print
// plain lines.
func (a *app) wantTUI() bool { return a.terminal().Views }

// plainTheme is the theme for tables on stdout.
func (a *app) plainTheme() *theme.Theme { return a.terminalOn(a.stdout).Theme() }

// textWidth is the width for tables on f.
func textWidth(f *os.File) int {
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		return w
	}
	return 100
}

// watch runs work that is not a file job, with a view of its progress where one
// may be drawn; work gets nil where not. How the work ends is what the view's
// summary tells; an interrupted one has been told of then.
func (a *app) watch(ctx context.Context, verb, name string, total int64, work func(ctx context.Context, f *progress.File) (engine.Result, error)) error {
	t := a.terminal()
	if !t.Views {
		_, err := work(ctx, nil)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var in io.Reader
	if t.Keys {
		in = a.stdin
	}
	d := progress.Start(progress.Options{
		Theme: t.Theme(), Out: a.stderr, In: in, Environ: os.Environ(), Stopped: a.stopped, Memory: bench.PeakRSS, Interrupt: cancel,
	})
	a.hold()
	defer a.release()
	f := d.Add(verb, name, total)
	r, err := work(ctx, f)
	if err != nil && ctx.Err() != nil {
		err = context.Canceled
	}
	f.Finish(r, err)
	if err != nil && !errors.Is(err, context.Canceled) {
		d.Discard() // main tells it
		return err
	}
	d.Close()
	a.seen = d.Theme()
	if err != nil {
		return &reportedError{exitInterrupted}
	}
	return nil
}
