package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/progress"
	"github.com/llmz/llmz/tui/text"
)

// A viewReporter shows jobs below the prompt while they run. What others print
// meanwhile is held back until it is closed.
type viewReporter struct {
	a       *app
	display *progress.Display
	waiting map[string][]*progress.File // by input, those not begun yet
	file    *progress.File
	hints   []string
}

// newViewReporter starts the view with all files in it. interrupt is called for
// ctrl+c, which the terminal hands over as a key.
func newViewReporter(a *app, op filejob.Op, files []string, interrupt func()) *viewReporter {
	t := a.terminal()
	var in io.Reader
	if t.Keys {
		in = a.stdin
	}
	for _, f := range files {
		if f == filejob.Stdio {
			in = nil // it carries data
		}
	}
	v := &viewReporter{a: a, waiting: map[string][]*progress.File{}}
	v.display = progress.Start(progress.Options{
		Theme: t.Theme(), Out: a.stderr, In: in, Environ: os.Environ(), Stopped: a.stopped, Memory: bench.PeakRSS, Interrupt: interrupt,
	})
	for _, f := range files {
		name, size := f, int64(-1)
		if f == filejob.Stdio {
			name = "standard input"
		} else if fi, err := os.Stat(f); err == nil && fi.Mode().IsRegular() && op == filejob.Compress {
			size = fi.Size()
		}
		v.waiting[f] = append(v.waiting[f], v.display.Add(string(op), name, size))
	}
	a.hold()
	return v
}

func (v *viewReporter) begin(job filejob.Job) {
	list := v.waiting[job.Input]
	v.file, v.waiting[job.Input] = list[0], list[1:]
}

func (v *viewReporter) observe(e engine.Event) { v.file.Observe(e) }

func (v *viewReporter) end(r filejob.Result, err error) {
	if r.Output != "" && r.Output != filejob.Stdio {
		v.file.SetOutput(r.Output)
	}
	v.file.Finish(r.Result, err)
	if hint := hintFor(err); err != nil && hint != "" && !errors.Is(err, context.Canceled) {
		v.hints = append(v.hints, hint)
	}
}

// close ends the view and leaves its summary, then what was held back.
func (v *viewReporter) close() {
	for _, list := range v.waiting {
		for _, f := range list {
			f.Finish(engine.Result{}, context.Canceled)
		}
	}
	v.display.Close()
	v.a.release()
	said := map[string]bool{}
	for _, h := range v.hints {
		if !said[h] {
			text.Fprintf(v.a.stderr, "llmz: hint: %s\n", h)
		}
		said[h] = true
	}
}
