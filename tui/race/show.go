package race

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// FrameTime is the time between two looks at the lanes.
const FrameTime = 125 * time.Millisecond

// Options configure Show. Without keys the view ends with the race.
type Options = screen.Options

// Show runs the contest and draws it on the whole screen until the user has seen
// enough. Leaving early stops the race; the outcomes say so. The theme is the one
// for the background the terminal turned out to have.
func Show(ctx context.Context, c *Contest, o Options) ([]Outcome, *theme.Theme, error) {
	m := NewModel(ctx, c, o.Theme, o.In != nil)
	o.Stopped = ctx.Done()
	p := screen.Alone(m, o)
	stop := context.AfterFunc(ctx, func() { p.Send(stopMsg{}) })
	defer stop()
	_, err := p.Run()
	return m.Stop(), m.Theme(), err
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
// stopMsg that its context was cancelled. They name whom they are for: an earlier
// race's may come late.
type (
	frameMsg struct{ to *Model }
	overMsg  struct{ to *Model }
	stopMsg  struct{}
)

// Model is the race as a part of a program: the one around it hands on its
// messages and draws what Render returns.
type Model struct {
	// Within is whether there is something to go back to, where no table stays.
	Within bool

	c        *Contest
	v        view
	ctx      context.Context
	cancel   context.CancelFunc
	started  time.Time
	hasKeys  bool
	done     chan struct{} // closed when the race is over; nil before it began
	outcomes []Outcome
	over     bool
	leave    bool // once the race has stopped
	left     bool
}

// NewModel returns a race that begins when Init is called. Without keys it leaves
// by itself in the end.
func NewModel(ctx context.Context, c *Contest, t *theme.Theme, keys bool) *Model {
	m := &Model{c: c, started: c.clock(), hasKeys: keys}
	m.ctx, m.cancel = context.WithCancel(ctx)
	m.v = view{t: t, name: c.Name, size: c.Size, sequential: c.Sequential, w: 80, h: 24}
	m.look()
	return m
}

// Init starts the race.
func (m *Model) Init() tea.Cmd {
	m.done = make(chan struct{})
	go func() {
		defer close(m.done)
		m.outcomes = m.c.Run(m.ctx)
	}()
	return tea.Batch(m.frame(), func() tea.Msg {
		<-m.done
		return overMsg{m}
	})
}

// Stop ends the race, if it still runs, waits for it and returns the outcomes.
func (m *Model) Stop() []Outcome {
	m.cancel()
	if m.done != nil {
		<-m.done
	}
	return m.outcomes
}

// Left is whether the user has seen enough.
func (m *Model) Left() bool { return m.left }

// SetSize follows the window.
func (m *Model) SetSize(w, h int) { m.v.w, m.v.h = w, h }

// Title names the window.
func (m *Model) Title() string { return "llmz race " + text.Clean(m.v.name) }

// Theme returns the theme in use.
func (m *Model) Theme() *theme.Theme { return m.v.t }

// SetTheme follows the terminal's background.
func (m *Model) SetTheme(t *theme.Theme) {
	m.v.t = t
	m.v.keys = m.help()
}

// Render draws the screen.
func (m *Model) Render() []string { return m.v.lines() }

func (m *Model) frame() tea.Cmd {
	return tea.Tick(FrameTime, func(time.Time) tea.Msg { return frameMsg{m} })
}

// Update takes a message.
func (m *Model) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case frameMsg:
		if m.over || msg.to != m {
			return nil // nothing moves any more
		}
		m.look()
		return m.frame()
	case overMsg:
		if msg.to != m {
			return nil
		}
		m.over = true
		m.look()
		m.left = m.leave || !m.hasKeys
	case stopMsg:
		// Nobody may be there any more to look at the table.
		m.leave, m.v.stopping = true, true
		m.left = m.over
	case tea.KeyPressMsg:
		m.key(msg.String())
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
	return nil
}

func (m *Model) look() {
	m.v.lanes = m.c.views()
	m.v.paused = m.c.gate.Closed()
	if !m.over {
		m.v.elapsed = m.c.clock().Sub(m.started) - m.c.gate.Held()
	}
	m.v.keys = m.help()
}

func (m *Model) move(n int) {
	m.v.selected = max(0, min(len(m.v.lanes)-1, m.v.selected+n))
}

func (m *Model) key(k string) {
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
		m.left = m.over
	case "q", "esc":
		m.cancel()
		m.v.stopping = true
		m.left = m.over
	}
}

func (m *Model) togglePause() {
	if m.c.gate.Closed() {
		m.c.gate.Open()
	} else {
		m.c.gate.Close()
	}
	m.look()
}

func (m *Model) help() string {
	t := m.v.t
	item := func(k, what string) string { return t.Key.Render(k) + " " + t.Muted.Render(what) }
	switch {
	case !m.hasKeys:
		return ""
	case m.over:
		if m.Within {
			return " " + item("q", "leave")
		}
		return " " + item("q", "leave, the table stays")
	case m.v.stopping:
		return t.Warn.Render(" stopping")
	}
	pause := "pause"
	if m.c.gate.Closed() {
		pause = "go on"
	}
	up := "↑↓"
	if t.Glyphs == theme.ASCII {
		up = "j/k"
	}
	return " " + strings.Join([]string{item(up, "select"), item("p", pause), item("q", "stop and rank"), item("ctrl+c", "leave")}, "   ")
}
