package session

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/theme"
)

// FrameTime is the time between two looks at running jobs. Without running jobs
// nothing is drawn unless a key is pressed.
const FrameTime = 125 * time.Millisecond

// Options configure Run.
type Options struct {
	Theme    *theme.Theme
	Out      io.Writer
	In       io.Reader
	Environ  []string
	Dir      string   // where to begin, empty for the working directory
	Settings Settings // those to begin with
	Clock    feed.Clock
}

// Run runs a session until the user quits. Jobs that still run then are
// cancelled and waited for.
func Run(ctx context.Context, b Backend, o Options) error {
	s := newSession(ctx, b, o)
	p := screen.Program(s, screen.Options{Theme: o.Theme, Out: o.Out, In: o.In, Environ: o.Environ, Stopped: ctx.Done()})
	stop := context.AfterFunc(ctx, func() { p.Send(leaveMsg{}) })
	defer stop()
	_, err := p.Run()
	s.cancel()
	if b.Remember != nil && s.settings != o.Settings {
		b.Remember(s.settings)
	}
	return err
}

// The tabs.
const (
	tabFiles = iota
	tabModels
	tabJobs
	tabHistory
	numTabs
)

var tabNames = [numTabs]string{"Files", "Models", "Jobs", "History"}

// Messages to the session itself.
type (
	frameMsg struct{} // look at the jobs
	leaveMsg struct{} // the context was cancelled
	dirMsg   struct { // a directory was read
		path    string
		entries []Entry
		err     error
	}
	modelsMsg struct { // the models are known
		list []Model
		err  error
	}
	historyMsg struct { // the history was read or written
		list []Record
		err  error
	}
	textMsg struct { // something to read
		title string
		lines []string
		err   error
	}
)

// Session is the program's root.
type Session struct {
	b         Backend
	o         Options
	t         *theme.Theme
	w, h      int
	ctx       context.Context
	cancel    context.CancelFunc
	tab       int
	files     filesScreen
	models    modelsScreen
	jobs      jobsScreen
	history   historyScreen
	queue     queue
	estimates estimates
	settings  Settings
	dialog    dialog
	full      screen.Part // a race or a heat-map over all; nil for none
	closeFull func()      // stops what the full view does
	notice    notice
	ticking   bool
	leaving   bool // once the jobs have ended
}

// notice is the line that says what just happened.
type notice struct {
	text string
	bad  bool
}

func newSession(ctx context.Context, b Backend, o Options) *Session {
	s := &Session{b: b, o: o, t: o.Theme, w: 80, h: 24}
	if s.o.Clock == nil {
		s.o.Clock = time.Now
	}
	if s.b.ReadDir == nil {
		s.b.ReadDir = readDir
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.settings = o.Settings
	s.queue = queue{ctx: s.ctx, run: b.Run, clock: s.o.Clock}
	s.files.dir = o.Dir
	if s.files.dir == "" {
		s.files.dir = "."
	}
	if abs, err := filepath.Abs(s.files.dir); err == nil {
		s.files.dir = abs
	}
	s.files.marked = map[string]Entry{}
	s.layout()
	return s
}

// Init reads the directory, the models and the history.
func (s *Session) Init() tea.Cmd {
	cmds := []tea.Cmd{s.readDir(s.files.dir), s.loadModels()}
	if s.b.History != "" {
		path := s.b.History
		cmds = append(cmds, func() tea.Msg {
			list, err := loadHistory(path)
			return historyMsg{list, err}
		})
	}
	return tea.Batch(cmds...)
}

func (s *Session) readDir(path string) tea.Cmd {
	read := s.b.ReadDir
	return func() tea.Msg {
		list, err := read(path)
		return dirMsg{path, list, err}
	}
}

func (s *Session) loadModels() tea.Cmd {
	if s.b.Models == nil {
		return nil
	}
	ctx, load := s.ctx, s.b.Models
	return func() tea.Msg {
		list, err := load(ctx)
		return modelsMsg{list, err}
	}
}

// Update routes messages.
func (s *Session) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.resize(msg)
	case tea.BackgroundColorMsg:
		s.setDark(msg.IsDark())
	case frameMsg:
		return s, s.frame()
	case endMsg:
		return s, s.ended(msg)
	case dirMsg:
		s.files.read(s, msg)
	case modelsMsg:
		s.models.loaded(s, msg)
	case historyMsg:
		s.history.loaded(s, msg)
	case estimateMsg:
		return s, s.judged(msg)
	case textMsg:
		s.read(msg)
	case spaceMsg:
		return s, s.choosePull(msg)
	case raceMsg:
		return s, s.chooseRace(msg)
	case leaveMsg:
		return s, s.leave()
	case tea.KeyPressMsg:
		return s, s.key(msg)
	case tea.PasteMsg:
		return s, s.paste(msg.Content)
	case tea.MouseClickMsg:
		return s, s.click(msg)
	case tea.MouseWheelMsg:
		return s, s.wheel(msg)
	default:
		if s.full != nil {
			return s, s.full.Update(msg)
		}
	}
	return s, nil
}

func (s *Session) resize(msg tea.WindowSizeMsg) {
	if msg.Width <= 0 || msg.Height <= 0 {
		return
	}
	s.w, s.h = msg.Width, msg.Height
	if s.full != nil {
		s.full.SetSize(s.w, s.h)
	}
	s.layout()
}

func (s *Session) setDark(dark bool) {
	s.t = s.t.On(dark)
	if s.full != nil {
		s.full.SetTheme(s.t)
	}
}

func (s *Session) key(msg tea.KeyPressMsg) tea.Cmd {
	k := msg.String()
	if k == "ctrl+z" {
		return tea.Suspend
	}
	if k == "ctrl+c" {
		return s.leave()
	}
	if s.full != nil {
		return s.fullKey(msg)
	}
	if s.dialog != nil {
		return s.dialog.key(s, msg)
	}
	s.notice = notice{}
	s.layout()
	if cmd, ok := press(s, s.bindings(), msg); ok {
		s.layout()
		return cmd
	}
	if l := s.list(); l != nil && l.key(k) {
		return nil
	}
	cmd, _ := press(s, s.global(), msg)
	return cmd
}

// bindings are the keys of the screen that is shown.
func (s *Session) bindings() []binding {
	switch s.tab {
	case tabModels:
		return s.models.bindings(s)
	case tabJobs:
		return s.jobs.bindings(s)
	case tabHistory:
		return s.history.bindings(s)
	}
	return s.files.bindings(s)
}

// list is the list of the screen that is shown.
func (s *Session) list() *list {
	switch s.tab {
	case tabModels:
		return &s.models.list
	case tabJobs:
		return &s.jobs.list
	case tabHistory:
		return &s.history.list
	}
	return &s.files.list
}

func (s *Session) paste(content string) tea.Cmd {
	if s.full != nil {
		return nil
	}
	if s.dialog != nil {
		s.dialog.paste(content)
		return nil
	}
	// A path pasted or dropped anywhere is one to go to.
	if line := strings.TrimSpace(content); line != "" && !strings.Contains(line, "\n") {
		s.tab = tabFiles
		return s.goTo(line)
	}
	return nil
}

func (s *Session) click(msg tea.MouseClickMsg) tea.Cmd {
	switch {
	case s.full != nil:
		return s.full.Update(msg)
	case s.dialog != nil:
		return s.clickDialog(msg)
	case msg.Y == 0:
		if tab := tabAt(s, msg.X); tab >= 0 {
			return show(tab)(s)
		}
		return nil
	}
	l := s.list()
	i := l.click(msg.Y - bodyTop - s.listTop())
	if i < 0 {
		return nil
	}
	if i == l.cursor && s.tab == tabFiles {
		return s.files.open(s)
	}
	l.to(i)
	return nil
}

// clickDialog hands a click to the dialog; one beside its box closes it.
func (s *Session) clickDialog(msg tea.MouseClickMsg) tea.Cmd {
	body, inner, x, y := inside(s.t, s.dialog, s.w, s.h)
	if body == nil || msg.X < x-2 || msg.X >= x+inner+2 || msg.Y < y-1 || msg.Y > y+len(body) {
		return s.dialog.key(s, tea.KeyPressMsg{Code: tea.KeyEscape})
	}
	if p, ok := s.dialog.(pointed); ok && msg.Y >= y && msg.Y < y+len(body) {
		return p.click(s, msg.X-x, msg.Y-y)
	}
	return nil
}

func (s *Session) wheel(msg tea.MouseWheelMsg) tea.Cmd {
	n := 3
	if msg.Button == tea.MouseWheelUp {
		n = -3
	}
	switch {
	case s.full != nil:
		return s.full.Update(msg)
	case s.dialog == nil:
		s.list().move(n)
	default:
		if p, ok := s.dialog.(pointed); ok {
			p.wheel(n)
		}
	}
	return nil
}

// say shows a notice until the next key.
func (s *Session) say(text string) {
	s.notice = notice{text: text}
	s.layout()
}

// complain shows an error until the next key.
func (s *Session) complain(err error) {
	if err != nil {
		s.notice = notice{text: err.Error(), bad: true}
		s.layout()
	}
}

func (s *Session) read(msg textMsg) {
	if msg.err != nil {
		s.complain(msg.err)
		return
	}
	s.dialog = &page{head: msg.title, body: msg.lines}
}
