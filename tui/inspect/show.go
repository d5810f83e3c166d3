package inspect

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// FrameTime is the time between two looks at the model at work.
const FrameTime = 100 * time.Millisecond

// dear is the cost in bits from which a symbol counts as a surprise.
const dear = 8

// Options configure Show.
type Options = screen.Options

// Run computes an inspection; engine.Inspect with its model and content bound.
type Run func(ctx context.Context, observe engine.Observer) (*engine.Inspection, error)

// Show computes an inspection, with progress, and shows it until the user
// leaves. Leaving early cancels the computation.
func Show(ctx context.Context, name string, size int64, run Run, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := New(ctx, name, size, run, o.Theme)
	o.Stopped = ctx.Done()
	p := screen.Alone(m, o)
	context.AfterFunc(ctx, func() { p.Quit() })
	_, err := p.Run()
	cancel()
	m.wait()
	if m.v.err != nil {
		return m.v.err
	}
	return err
}

// frameMsg asks for a look at the model at work; doneMsg brings the inspection.
// They name whom they are for: an earlier view's may come late.
type (
	frameMsg struct{ to *Model }
	doneMsg  struct {
		to  *Model
		x   *engine.Inspection
		err error
	}
)

// Model is the heat-map as a part of a program: the one around it hands on its
// messages and draws what Render returns.
type Model struct {
	v    view
	ctx  context.Context
	run  Run
	job  *feed.Tracker
	done chan struct{} // closed when the computation has ended; nil before it began
	end  doneMsg
	left bool
}

// New returns a heat-map that computes its inspection once Init's command runs.
func New(ctx context.Context, name string, size int64, run Run, t *theme.Theme) *Model {
	m := &Model{ctx: ctx, run: run, job: feed.New(name, size, nil)}
	m.v = view{t: t, name: name, w: 80, h: 24}
	m.look()
	return m
}

// Init starts the computation.
func (m *Model) Init() tea.Cmd {
	m.done = make(chan struct{})
	go func() {
		defer close(m.done)
		m.end.to = m
		m.end.x, m.end.err = m.run(m.ctx, m.job.Observe)
	}()
	return tea.Batch(m.frame(), func() tea.Msg {
		<-m.done
		return m.end
	})
}

// wait returns once the computation has ended.
func (m *Model) wait() {
	if m.done != nil {
		<-m.done
	}
}

func (m *Model) frame() tea.Cmd {
	return tea.Tick(FrameTime, func(time.Time) tea.Msg { return frameMsg{m} })
}

func (m *Model) look() {
	s := m.job.Snapshot()
	m.v.job = &s
	m.v.keys = m.help()
}

// SetSize follows the window.
func (m *Model) SetSize(w, h int) {
	m.v.w, m.v.h = w, h
	m.v.relay()
}

// Title names the window.
func (m *Model) Title() string { return "llmz inspect " + text.Clean(m.v.name) }

// Left is whether the user has seen enough.
func (m *Model) Left() bool { return m.left }

// Theme returns the theme in use.
func (m *Model) Theme() *theme.Theme { return m.v.t }

// SetTheme follows the terminal's background.
func (m *Model) SetTheme(t *theme.Theme) {
	m.v.t = t
	m.v.keys = m.help()
	m.v.relay()
}

// Render draws the screen.
func (m *Model) Render() []string { return m.v.lines() }

// Update takes a message.
func (m *Model) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case frameMsg:
		if msg.to != m || m.v.x != nil || m.v.err != nil {
			return nil
		}
		m.look()
		return m.frame()
	case doneMsg:
		if msg.to != m {
			return nil
		}
		m.v.x, m.v.err = msg.x, msg.err
		if m.v.err != nil {
			m.v.x = nil
		}
		m.v.keys = m.help()
		m.v.relay()
	case tea.KeyPressMsg:
		m.key(msg.String())
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			m.rows(-3)
		} else {
			m.rows(3)
		}
	case tea.MouseClickMsg:
		m.click(msg.X, msg.Y)
	}
	return nil
}

func (m *Model) ready() bool { return m.v.x != nil && len(m.v.x.Symbols) > 0 && m.v.page != nil }

func (m *Model) frameLayout() frame { return layout(m.v.w, m.v.h, len(m.v.page.lines)) }

func (m *Model) key(k string) {
	switch k {
	case "q", "esc", "ctrl+c":
		m.left = true
		return
	}
	if !m.ready() {
		return
	}
	body := m.frameLayout().body
	switch k {
	case "left", "h":
		m.symbol(m.v.cursor - 1)
	case "right", "l":
		m.symbol(m.v.cursor + 1)
	case "up", "k":
		m.rows(-1)
	case "down", "j":
		m.rows(1)
	case "pgup", "ctrl+b":
		m.rows(-body)
	case "pgdown", "ctrl+f", "space":
		m.rows(body)
	case "home", "g":
		m.symbol(0)
	case "end", "G":
		m.symbol(len(m.v.x.Symbols) - 1)
	case "n":
		m.surprise(1)
	case "N", "p":
		m.surprise(-1)
	case "b":
		if m.v.x.Mixed && m.v.x.Model.Name != "" {
			m.v.bare = !m.v.bare
			m.v.measure()
		}
	}
	m.v.keys = m.help()
}

func (m *Model) symbol(i int) {
	m.v.cursor = max(0, min(len(m.v.x.Symbols)-1, i))
	m.v.follow(m.frameLayout())
}

// surprise moves to the next symbol, in the direction d, that was dear.
func (m *Model) surprise(d int) {
	for i := m.v.cursor + d; i >= 0 && i < len(m.v.x.Symbols); i += d {
		if bitsOf(&m.v.x.Symbols[i], m.v.bare) >= dear {
			m.symbol(i)
			return
		}
	}
}

// rows moves the cursor n rows down, and keeps its column as well as it can.
func (m *Model) rows(n int) {
	if !m.ready() {
		return
	}
	p := m.v.page
	at := p.rowAt(int(m.v.x.Symbols[m.v.cursor].Offset))
	column := 0
	for _, c := range p.cells(p.rows[at], false) {
		if c.from >= int(m.v.x.Symbols[m.v.cursor].Offset) {
			break
		}
		column += text.Width(c.glyph)
	}
	m.point(max(0, min(len(p.rows)-1, at+n)), column)
}

// point moves the cursor to the symbol in a row at a column.
func (m *Model) point(r, column int) {
	p := m.v.page
	x := 0
	for _, c := range p.cells(p.rows[r], false) {
		x += text.Width(c.glyph)
		if x > column || c.to == p.rows[r].to {
			m.symbol(symbolAt(m.v.x, c.from))
			return
		}
	}
}

func (m *Model) click(x, y int) {
	if !m.ready() {
		return
	}
	f := m.frameLayout()
	if y -= 1 + f.heads; y < 0 || y >= f.body || m.v.top+y >= len(m.v.page.rows) {
		return
	}
	m.point(m.v.top+y, max(0, x-f.gutter))
}

func (m *Model) help() string {
	t := m.v.t
	item := func(k, what string) string { return t.Key.Render(k) + " " + t.Muted.Render(what) }
	if m.v.x == nil {
		return " " + item("q", "leave")
	}
	arrows := "←↑↓→"
	if t.Glyphs == theme.ASCII {
		arrows = "hjkl"
	}
	items := []string{item(arrows, "move"), item("n/p", "next, previous surprise"), item("g/G", "ends")}
	if m.v.x.Mixed && m.v.x.Model.Name != "" {
		what := "model alone"
		if m.v.bare {
			what = "with the mixer"
		}
		items = append(items, item("b", what))
	}
	return " " + strings.Join(append(items, item("q", "leave")), "   ")
}
