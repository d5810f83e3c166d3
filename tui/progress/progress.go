// Package progress shows what a command works on, below the prompt: a few lines
// that keep up with the work, and at the end a summary that stays in the
// scrollback. Files that are coded, trainings and downloads have each their own.
//
// A Display is driven from outside: Start it, Add a file for each job, hand its
// Observe (or Train, or Download) to the work, and its Gate, Finish it, Close the
// display. It only looks: it knows nothing of models and archives but what the
// events say.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/theme"
)

// FrameTime is the time between two looks at the jobs.
const FrameTime = 100 * time.Millisecond

// Options configure a Display.
type Options struct {
	// Theme says what the terminal can do.
	Theme *theme.Theme
	// Out is the terminal to draw on; In where keys come from, nil for no keys.
	Out io.Writer
	In  io.Reader
	// Environ is as of os.Environ.
	Environ []string
	// Stopped is closed when the program is told to stop; nil for never.
	Stopped <-chan struct{}
	// Clock may be nil.
	Clock feed.Clock
	// Memory returns the memory in use in bytes; it may be nil.
	Memory func() int64
	// Interrupt is called when ctrl-c was typed: it should cancel the jobs'
	// context.
	Interrupt func()
}

// File is a line of a Display.
type File struct {
	*feed.Tracker
	verb string

	mu     sync.Mutex
	output string
}

// SetOutput names what the job writes.
func (f *File) SetOutput(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.output = name
}

func (f *File) view() fileView {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fileView{Snapshot: f.Snapshot(), verb: f.verb, output: f.output}
}

// Display is a running view. Its methods may be called by any goroutine.
type Display struct {
	o       Options
	program *tea.Program
	ended   chan struct{}

	mu    sync.Mutex
	files []*File
	size  struct{ w, h int }
	theme *theme.Theme
	shown int // files whose line stands in the scrollback already
}

// Start begins drawing. It returns at once.
func Start(o Options) *Display {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	d := &Display{o: o, ended: make(chan struct{}), theme: o.Theme}
	d.size.w, d.size.h = 80, 24
	d.program = screen.Program(newModel(d), screen.Options{Theme: o.Theme, Out: o.Out, In: o.In, Environ: o.Environ, Stopped: o.Stopped})
	go func() {
		defer close(d.ended)
		// A terminal that went away is no reason to stop the work.
		_, _ = d.program.Run()
	}()
	return d
}

// Add appends a file: verb says what is done to it ("compress"), total is its
// size in bytes, -1 where it is not known.
func (d *Display) Add(verb, name string, total int64) *File {
	f := &File{Tracker: feed.New(name, total, d.o.Clock), verb: verb}
	d.mu.Lock()
	d.files = append(d.files, f)
	d.mu.Unlock()
	return f
}

// Close ends the view, once all jobs are over, and leaves the summary.
func (d *Display) Close() {
	d.program.Send(closeMsg{})
	<-d.ended
	views := d.views()
	d.mu.Lock()
	t, w, shown := d.theme, d.size.w, d.shown
	d.mu.Unlock()
	for _, l := range closing(t, views, shown, w) {
		fmt.Fprintln(d.o.Out, l)
	}
}

// Theme returns the theme for the background the terminal turned out to have.
func (d *Display) Theme() *theme.Theme {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.theme
}

// Discard ends the view and leaves nothing: for errors that others tell.
func (d *Display) Discard() {
	d.program.Send(closeMsg{})
	<-d.ended
}

// closing returns the lines that stay, less those printed before.
func closing(t *theme.Theme, files []fileView, shown, w int) []string {
	if len(files) == 1 && shown == 0 {
		return summary(t, &files[0], w)
	}
	var out []string
	for i := range files {
		if i >= shown && files[i].State.Over() {
			out = append(out, doneLines(t, &files[i], w)...)
		}
	}
	if len(files) > 1 {
		out = append(out, totalsLine(t, files, w))
	}
	return out
}

func (d *Display) views() []fileView {
	d.mu.Lock()
	files := append([]*File(nil), d.files...)
	d.mu.Unlock()
	out := make([]fileView, len(files))
	for i, f := range files {
		out[i] = f.view()
	}
	return out
}

// setTheme follows the terminal's background.
func (d *Display) setTheme(dark bool) *theme.Theme {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.theme = d.theme.On(dark)
	return d.theme
}
