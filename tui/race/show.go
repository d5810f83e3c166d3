package race

import (
	"context"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// FrameTime is the time between two looks at the lanes.
const FrameTime = 100 * time.Millisecond

// Options configure Show.
type Options struct {
	Theme   *theme.Theme
	Out     io.Writer
	In      io.Reader // nil for no keys: the view then ends with the race
	Environ []string
}

// Show runs the contest and draws it on the whole screen until the user has seen
// enough. Leaving early stops the race; the outcomes say so.
func Show(ctx context.Context, c *Contest, o Options) ([]Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(c, o.Theme, o.In != nil, cancel)
	opts := []tea.ProgramOption{
		tea.WithOutput(o.Out), tea.WithInput(o.In), tea.WithFPS(15), tea.WithoutSignalHandler(),
		tea.WithColorProfile(o.Theme.Profile),
	}
	if o.Environ != nil {
		opts = append(opts, tea.WithEnvironment(o.Environ))
	}
	p := tea.NewProgram(m, opts...)
	ended := make(chan []Outcome, 1)
	go func() {
		ended <- c.Run(ctx)
		p.Send(overMsg{})
	}()
	context.AfterFunc(ctx, func() { p.Send(stopMsg{}) })
	_, err := p.Run()
	cancel()
	return <-ended, err
}

// Table returns the results as lines of at most w cells, without escape codes
// if the theme has none.
func (c *Contest) Table(t *theme.Theme, w int) []string {
	v := &view{t: t, name: c.Name, size: c.Size, sequential: c.Sequential, lanes: c.views(), w: w, plain: true}
	lines := append(v.podium(w), v.notes(w)...)
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// frameMsg asks for a look at the lanes; overMsg says that the race is over,
// stopMsg that its context was cancelled.
type (
	frameMsg struct{}
	overMsg  struct{}
	stopMsg  struct{}
)

// model is the program's root.
type model struct {
	c       *Contest
	v       view
	cancel  context.CancelFunc
	started time.Time
	hasKeys bool
	over    bool
	leave   bool // once the race has stopped
}

func newModel(c *Contest, t *theme.Theme, keys bool, cancel context.CancelFunc) *model {
	m := &model{c: c, cancel: cancel, started: c.clock(), hasKeys: keys}
	m.v = view{t: t, name: c.Name, size: c.Size, sequential: c.Sequential, w: 80, h: 24, lanes: c.views()}
	m.look()
	return m
}

func frame() tea.Cmd {
	return tea.Tick(FrameTime, func(time.Time) tea.Msg { return frameMsg{} })
}

func (m *model) Init() tea.Cmd {
	if m.hasKeys {
		return tea.Batch(frame(), tea.RequestBackgroundColor)
	}
	return frame()
}

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 {
			m.v.w, m.v.h = msg.Width, msg.Height
		}
	case tea.BackgroundColorMsg:
		m.setDark(msg.IsDark())
	case frameMsg:
		if m.over {
			return m, nil // nothing moves any more
		}
		m.look()
		return m, frame()
	case overMsg:
		m.over = true
		m.look()
		if m.leave || !m.hasKeys {
			return m, tea.Quit
		}
	case stopMsg:
		m.v.stopping = true
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			m.move(-1)
		} else {
			m.move(1)
		}
	case tea.MouseClickMsg:
		// Lanes begin under the title and the heads of the columns.
		if i := msg.Y - 2; !m.v.over() && i >= 0 && i < len(m.v.lanes) {
			m.v.selected = i
		}
	}
	m.v.keys = m.help()
	return m, nil
}

func (m *model) look() {
	m.v.lanes = m.c.views()
	if !m.over {
		m.v.elapsed = m.c.clock().Sub(m.started)
	}
	m.v.keys = m.help()
}

func (m *model) setDark(dark bool) {
	if m.v.t.Dark != dark && m.v.t.Profile > colorprofile.ANSI {
		o := m.v.t.Options
		o.Dark = dark
		m.v.t = theme.New(o)
	}
}

func (m *model) move(n int) {
	m.v.selected = max(0, min(len(m.v.lanes)-1, m.v.selected+n))
}

func (m *model) key(k string) tea.Cmd {
	defer func() { m.v.keys = m.help() }()
	switch k {
	case "up", "k":
		m.move(-1)
	case "down", "j", "tab":
		m.move(1)
	case "home", "g":
		m.move(-len(m.v.lanes))
	case "end", "G":
		m.move(len(m.v.lanes))
	case "p", "space":
		m.togglePause()
	case "ctrl+c":
		m.leave = true
		m.cancel()
		m.v.stopping = true
		if m.over {
			return tea.Quit
		}
	case "q", "esc":
		if m.over {
			return tea.Quit
		}
		m.cancel()
		m.v.stopping = true
	case "ctrl+z":
		return tea.Suspend
	}
	return nil
}

func (m *model) togglePause() {
	paused := m.paused()
	for _, l := range m.c.lanes {
		for _, j := range []*feed.Job{l.Forth, l.Back} {
			if paused {
				j.Resume()
			} else {
				j.Pause()
			}
		}
	}
}

func (m *model) paused() bool {
	for i := range m.v.lanes {
		if m.v.lanes[i].forth.State == feed.Paused || m.v.lanes[i].back.State == feed.Paused {
			return true
		}
	}
	return false
}

func (m *model) help() string {
	t := m.v.t
	item := func(k, what string) string { return t.Key.Render(k) + " " + t.Muted.Render(what) }
	switch {
	case !m.hasKeys:
		return ""
	case m.over:
		return " " + item("q", "leave, the table stays")
	case m.v.stopping:
		return t.Warn.Render(" stopping")
	}
	pause := "pause"
	if m.paused() {
		pause = "go on"
	}
	up := "↑↓"
	if t.Glyphs == theme.ASCII {
		up = "j/k"
	}
	return " " + strings.Join([]string{item(up, "select"), item("p", pause), item("q", "stop and rank"), item("ctrl+c", "leave")}, "   ")
}

func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.v.lines(), "\n"))
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "llmz race " + text.Clean(m.v.name)
	return v
}
