package progress

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
)

// frameMsg asks for a look at the jobs.
type frameMsg struct{}

// closeMsg ends the view; what stays is printed after it.
type closeMsg struct{}

// model is the program's root.
type model struct {
	d       *Display
	v       view
	started time.Time
	closed  bool
}

func newModel(d *Display) *model {
	return &model{d: d, started: d.o.Clock(), v: view{t: d.theme, w: d.size.w, h: d.size.h, keys: d.o.In != nil}}
}

func frame() tea.Cmd {
	return tea.Tick(FrameTime, func(time.Time) tea.Msg { return frameMsg{} })
}

func (m *model) Init() tea.Cmd { return frame() }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width <= 0 || msg.Height <= 0 {
			break // not a terminal, or one that does not tell
		}
		m.v.w, m.v.h = msg.Width, msg.Height
		m.d.mu.Lock()
		m.d.size.w, m.d.size.h = msg.Width, msg.Height
		m.d.mu.Unlock()
	case tea.BackgroundColorMsg:
		m.v.t = m.d.setTheme(msg.IsDark())
	case frameMsg:
		if m.closed {
			return m, nil
		}
		return m, tea.Batch(m.look(), frame())
	case closeMsg:
		m.closed = true
		return m, tea.Quit
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

// look takes snapshots, and moves files that are over into the scrollback.
func (m *model) look() tea.Cmd {
	m.v.files = m.d.views()
	m.v.beat = m.d.o.Clock().Sub(m.started).Seconds()
	if m.v.details && m.d.o.Memory != nil {
		m.v.memory = m.d.o.Memory()
	}
	if len(m.v.files) < 2 {
		return nil
	}
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	var lines []string
	for m.d.shown < len(m.v.files) {
		f := &m.v.files[m.d.shown]
		if !f.State.Over() {
			break
		}
		lines = append(lines, doneLines(m.v.t, f, m.v.w)...)
		m.d.shown++
	}
	if len(lines) == 0 {
		return nil
	}
	return tea.Println(strings.Join(lines, "\n"))
}

func (m *model) key(k string) tea.Cmd {
	switch k {
	case "ctrl+c":
		m.v.stop = true
		if m.d.o.Interrupt != nil {
			m.d.o.Interrupt()
		}
	case "d", "space":
		m.v.details = !m.v.details
	case "p":
		m.togglePause()
	case "ctrl+z":
		return tea.Suspend
	}
	return nil
}

func (m *model) togglePause() {
	m.d.mu.Lock()
	files := append([]*File(nil), m.d.files...)
	m.d.mu.Unlock()
	for _, f := range files {
		switch s := f.Snapshot(); s.State {
		case feed.Running:
			f.Pause()
		case feed.Paused:
			f.Resume()
		}
	}
}

func (m *model) View() tea.View {
	if m.closed {
		return tea.NewView("")
	}
	v := tea.NewView(strings.Join(m.v.lines(), "\n"))
	v.ProgressBar = m.progressBar()
	return v
}

// progressBar tells terminals that show progress in their title or tab.
func (m *model) progressBar() *tea.ProgressBar {
	var done, total int64
	failed := false
	for i := range m.v.files {
		f := &m.v.files[i]
		done, total = done+f.Bytes, total+max(0, f.Total)
		failed = failed || f.State == feed.Failed
	}
	if total <= 0 {
		return nil
	}
	state := tea.ProgressBarDefault
	if failed {
		state = tea.ProgressBarError
	}
	return tea.NewProgressBar(state, min(100, int(100*done/total)))
}
