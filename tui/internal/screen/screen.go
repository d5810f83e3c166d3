// Package screen makes programs of views: with the terminal's size, background
// and keys, and no more redraws than a terminal far away can take.
package screen

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/theme"
)

// maxFPS is how often the terminal is written to at most.
const maxFPS = 15

// Options say where to draw.
type Options struct {
	// Theme says what the terminal can do.
	Theme *theme.Theme
	Out   io.Writer
	In    io.Reader // where keys come from, nil for no keys
	// Environ is as of os.Environ.
	Environ []string
	// Stopped is closed when the program is told to stop, by a signal; nil for never.
	Stopped <-chan struct{}
}

// Program returns a program of a root model.
func Program(m tea.Model, o Options) *tea.Program {
	var p *tea.Program
	in := o.In
	if f, ok := in.(*os.File); ok {
		in = &keys{File: f, gone: func() { p.Send(goneMsg{}) }}
	}
	opts := []tea.ProgramOption{
		tea.WithOutput(o.Out), tea.WithInput(in), tea.WithFPS(maxFPS), tea.WithoutSignalHandler(),
		tea.WithColorProfile(o.Theme.Profile),
	}
	if o.Environ != nil {
		opts = append(opts, tea.WithEnvironment(o.Environ))
	}
	if o.In != nil {
		a := &answers{Model: m, stopped: o.Stopped}
		m, opts = a, append(opts, tea.WithFilter(a.hold))
	}
	p = tea.NewProgram(m, opts...)
	return p
}

// keys is a terminal that tells when it is closed, which not every process is told
// by a signal: then nobody is left to end the program.
type keys struct {
	*os.File
	gone func()
	once sync.Once
}

func (k *keys) Read(p []byte) (int, error) {
	n, err := k.File.Read(p)
	if n == 0 && (errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO)) {
		k.once.Do(func() { go k.gone() })
	}
	return n, err
}

// A Part is a view that takes the whole screen, alone or within a session.
type Part interface {
	Init() tea.Cmd
	Update(tea.Msg) tea.Cmd
	SetSize(w, h int)
	Theme() *theme.Theme
	SetTheme(*theme.Theme)
	// Render draws the screen, line by line.
	Render() []string
	// Left is whether the user has seen enough.
	Left() bool
	// Title is what the window is called.
	Title() string
}

// Alone returns a program that shows one part.
func Alone(p Part, o Options) *tea.Program { return Program(Root(p), o) }

// Root makes a root model of a part.
func Root(p Part) tea.Model { return root{p} }

type root struct{ Part }

func (r root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 {
			r.SetSize(msg.Width, msg.Height)
		}
	case tea.BackgroundColorMsg:
		r.SetTheme(r.Theme().On(msg.IsDark()))
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+z" {
			return r, tea.Suspend
		}
	}
	cmd := r.Part.Update(msg)
	if r.Left() {
		return r, tea.Quit
	}
	return r, cmd
}

func (r root) View() tea.View {
	v := tea.NewView(strings.Join(r.Render(), "\n"))
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = r.Title()
	return v
}
