package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	input   string // of the job at work
	hints   []hint
	files   int
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
	v := &viewReporter{a: a, waiting: map[string][]*progress.File{}, files: len(files)}
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
	v.input = job.Input
	v.file, v.waiting[job.Input] = list[0], list[1:]
}

func (v *viewReporter) observe(e engine.Event) { v.file.Observe(e) }

func (v *viewReporter) end(r filejob.Result, err error) {
	if r.Output != "" && r.Output != filejob.Stdio {
		v.file.SetOutput(r.Output)
	}
	v.file.Finish(r.Result, err)
	if what := hintFor(err); err != nil && what != "" && !errors.Is(err, context.Canceled) {
		v.hint(what, filejob.DisplayName(v.input))
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
	for _, h := range v.hints {
		if v.files > 1 {
			text.Fprintf(v.a.stderr, "llmz: hint: %s: %s\n", h.who(), h.what)
		} else {
			text.Fprintf(v.a.stderr, "llmz: hint: %s\n", h.what)
		}
	}
}

// A hint is what can be done about files that failed.
type hint struct {
	what  string
	names []string
}

// hint keeps what can be done about a file, once for all that it holds for.
func (v *viewReporter) hint(what, name string) {
	for i := range v.hints {
		if v.hints[i].what == what {
			v.hints[i].names = append(v.hints[i].names, name)
			return
		}
	}
	v.hints = append(v.hints, hint{what, []string{name}})
}

// who names the files that a hint is about.
func (h hint) who() string {
	if n := len(h.names); n > 3 {
		return fmt.Sprintf("%s and %d others", h.names[0], n-1)
	}
	return strings.Join(h.names, ", ")
}
