package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// filesScreen is the picker.
type filesScreen struct {
	list
	dir     string
	all     []Entry // as read
	shown   []Entry // filtered and sorted
	order   order
	filter  string
	hidden  bool
	marked  map[string]Entry // by path; kept from directory to directory
	pending string           // what to put the cursor on once the directory is read
	err     error
}

// read takes a directory.
func (f *filesScreen) read(s *Session, msg dirMsg) {
	if msg.err != nil {
		s.complain(msg.err)
		if msg.path == f.dir {
			f.err = msg.err
		}
		return
	}
	if f.dir != msg.path {
		f.filter = ""
		f.cursor, f.top = 0, 0
	} else if f.pending == "" && f.cursor < len(f.shown) && len(f.shown) > 0 {
		f.pending = f.shown[f.cursor].Name
	}
	f.dir, f.all, f.err = msg.path, msg.entries, nil
	f.arrange()
	for i, e := range f.shown {
		if e.Name == f.pending {
			f.resize(len(f.shown), max(1, f.height))
			f.to(i)
		}
	}
	f.pending = ""
	s.layout()
}

func (f *filesScreen) arrange() {
	f.shown = arrange(f.all, f.order, f.filter, f.hidden)
	f.resize(len(f.shown), max(1, f.height))
}

// current returns the entry under the cursor.
func (f *filesScreen) current() (Entry, bool) {
	if f.cursor < 0 || f.cursor >= len(f.shown) {
		return Entry{}, false
	}
	return f.shown[f.cursor], true
}

// targets returns the marked files, or the one under the cursor.
func (f *filesScreen) targets() (paths []string, entries []Entry) {
	for _, p := range sortedKeys(f.marked) {
		paths, entries = append(paths, p), append(entries, f.marked[p])
	}
	if e, ok := f.current(); len(paths) == 0 && ok && !e.Dir {
		return []string{filepath.Join(f.dir, e.Name)}, []Entry{e}
	}
	return paths, entries
}

func (f *filesScreen) bindings(s *Session) []binding {
	list := []binding{
		bind("enter", "enter", "open", "enter a directory, compress a file, decompress an archive", f.open),
		bind("space", "space", "mark", "mark for what comes next", f.mark),
		bind("c", "c", "compress", "compress the marked files, or this one", func(s *Session) tea.Cmd { return f.work(s, Compress) }),
		bind("d", "d", "decompress", "decompress", func(s *Session) tea.Cmd { return f.work(s, Decompress) }),
		bind("t", "t", "", "test: decode and check everything, write nothing", func(s *Session) tea.Cmd { return f.work(s, Test) }),
		bind("i", "i", "inspect", "a heat-map of where the bits go; facts about an archive", f.inspect),
		bind("r", "r", "race", "let models race on this file", f.race),
		bind("e", "e", "", "estimate size and time with each model that is here", f.estimate),
		bind("/", "/", "filter", "show only names with these words", f.askFilter),
		bind(":", ":", "", "go to a path (or paste one)", f.askPath),
		bind("left h backspace", "left", "", "the directory above", func(s *Session) tea.Cmd { return f.up(s) }),
		bind("right l", "right", "", "enter a directory", f.enter),
		bind("s", "s", "", "sort by name, size or date", func(s *Session) tea.Cmd {
			f.order = (f.order + 1) % numOrders
			f.arrange()
			s.say("sorted by " + f.order.String())
			return nil
		}),
		bind(".", ".", "", "show or hide hidden files", func(*Session) tea.Cmd { f.hidden = !f.hidden; f.arrange(); return nil }),
		bind("a", "a", "", "mark all files here, or none", f.markAll),
		bind("esc", "esc", "", "drop the filter, then the marks", func(*Session) tea.Cmd {
			if f.filter != "" {
				f.filter = ""
				f.arrange()
			} else {
				clear(f.marked)
			}
			return nil
		}),
	}
	if s.b.TrainTarget != nil {
		list = append(list, bind("T", "T", "train", "train a model on the marked files, or on a whole directory", func(s *Session) tea.Cmd { return f.train(s) }))
	}
	return list
}

// open enters a directory, compresses a file, or decompresses an archive.
func (f *filesScreen) open(s *Session) tea.Cmd {
	e, ok := f.current()
	switch {
	case !ok:
		return nil
	case e.Dir:
		return f.enter(s)
	case e.archive():
		return f.work(s, Decompress)
	}
	return f.work(s, Compress)
}

func (f *filesScreen) enter(s *Session) tea.Cmd {
	if e, ok := f.current(); ok && e.Dir {
		return s.readDir(filepath.Join(f.dir, e.Name))
	}
	return nil
}

func (f *filesScreen) up(s *Session) tea.Cmd {
	parent := filepath.Dir(f.dir)
	if parent == f.dir {
		return nil
	}
	f.pending = filepath.Base(f.dir)
	return s.readDir(parent)
}

func (f *filesScreen) mark(*Session) tea.Cmd {
	if e, ok := f.current(); ok && !e.Dir {
		path := filepath.Join(f.dir, e.Name)
		if _, on := f.marked[path]; on {
			delete(f.marked, path)
		} else {
			f.marked[path] = e
		}
	}
	f.move(1)
	return nil
}

func (f *filesScreen) markAll(*Session) tea.Cmd {
	all := true
	for _, e := range f.shown {
		if _, on := f.marked[filepath.Join(f.dir, e.Name)]; !e.Dir && !on {
			all = false
		}
	}
	for _, e := range f.shown {
		path := filepath.Join(f.dir, e.Name)
		if all {
			delete(f.marked, path)
		} else if !e.Dir {
			f.marked[path] = e
		}
	}
	return nil
}

// work puts the targets into the queue.
func (f *filesScreen) work(s *Session, op Op) tea.Cmd {
	paths, entries := f.targets()
	if len(paths) == 0 {
		s.say("mark a file first, or put the cursor on one")
		return nil
	}
	var tasks []Task
	var sizes []int64
	for i, p := range paths {
		if op == Compress && entries[i].archive() && !s.settings.Force {
			s.say(entries[i].Name + " is an archive already (options: overwrite)")
			continue
		}
		size := entries[i].Size
		if op != Compress {
			size = -1 // the content's size is not known yet
		}
		tasks, sizes = append(tasks, Task{Op: op, Path: p, Settings: s.settings}), append(sizes, size)
	}
	clear(f.marked)
	return s.enqueue(tasks, sizes)
}

// train asks how to train a model on the marked files, or on the file or
// directory under the cursor.
func (f *filesScreen) train(s *Session) tea.Cmd {
	paths, entries := f.targets()
	if e, ok := f.current(); len(paths) == 0 && ok {
		paths, entries = []string{filepath.Join(f.dir, e.Name)}, []Entry{e}
	}
	if len(paths) == 0 {
		s.say("mark the files to learn from first")
		return nil
	}
	s.dialog = newTrainForm(s, paths, entries)
	return nil
}

// one returns the file under the cursor, for what works on a single one.
func (f *filesScreen) one(s *Session) (string, Entry, bool) {
	e, ok := f.current()
	if !ok || e.Dir {
		s.say("put the cursor on a file first")
		return "", e, false
	}
	return filepath.Join(f.dir, e.Name), e, true
}

// pick returns a file to try models on: the one under the cursor, or else the
// first that is no archive.
func (f *filesScreen) pick() (path string, size int64, ok bool) {
	if e, ok := f.current(); ok && !e.Dir && !e.archive() {
		return filepath.Join(f.dir, e.Name), e.Size, true
	}
	for _, e := range f.shown {
		if !e.Dir && !e.archive() && e.Size >= leastJudged {
			return filepath.Join(f.dir, e.Name), e.Size, true
		}
	}
	return "", 0, false
}

func (f *filesScreen) inspect(s *Session) tea.Cmd {
	path, e, ok := f.one(s)
	switch {
	case !ok:
		return nil
	case e.archive():
		return s.info(path)
	}
	return s.inspect(path, e.Size)
}

func (f *filesScreen) race(s *Session) tea.Cmd {
	if path, e, ok := f.one(s); ok {
		return s.askRace(path, e.Size)
	}
	return nil
}

func (f *filesScreen) estimate(s *Session) tea.Cmd {
	if path, e, ok := f.one(s); ok {
		return s.askEstimates(path, e.Size)
	}
	return nil
}

func (f *filesScreen) askFilter(s *Session) tea.Cmd {
	p := newPrompt("Show only names with", f.filter, func(s *Session, v string) tea.Cmd { return nil })
	p.live = func(v string) {
		f.filter = v
		f.cursor, f.top = 0, 0
		f.arrange()
	}
	s.dialog = p
	return nil
}

func (f *filesScreen) askPath(s *Session) tea.Cmd {
	s.dialog = newPrompt("Go to", "", (*Session).goTo)
	return nil
}

// goTo shows a directory, or a file in its directory.
func (s *Session) goTo(path string) tea.Cmd {
	path = expandPath(path, s.files.dir)
	read := s.b.ReadDir
	s.files.pending = ""
	fi, err := os.Stat(path)
	if err == nil && !fi.IsDir() {
		s.files.pending = filepath.Base(path)
		path = filepath.Dir(path)
	}
	return func() tea.Msg {
		list, err := read(path)
		return dirMsg{path, list, err}
	}
}

// render draws the picker in w × h cells.
func (f *filesScreen) render(s *Session, w, h int) []string {
	t := s.t
	side := 0
	if w >= 110 {
		side = min(46, w/3)
	}
	lw := w
	if side > 0 {
		lw = w - side - 3
	}
	head := shortPath(f.dir)
	right := "by " + f.order.String()
	if f.filter != "" {
		right = fmt.Sprintf("with %q  ", f.filter) + right
	}
	out := []string{text.Ends(" "+t.Title.Render(text.CutMiddle(text.Clean(head), max(8, lw-text.Width(right)-3))), t.Muted.Render(right+" "), lw)}
	if f.err != nil {
		out = append(out, wrapped(t.Bad, f.err.Error(), lw)...)
	} else if len(f.shown) == 0 {
		out = append(out, " "+t.Muted.Render("nothing to show here"))
	}
	from, to := f.window()
	for i := from; i < to; i++ {
		out = append(out, f.row(s, i, lw))
	}
	out = text.Block(out, lw, h-1)
	if side > 0 {
		out = text.Beside(out, text.Block(f.about(s, side), side, h-1), " "+t.Faint.Render(t.Glyph.Vertical)+" ")
	}
	return append(out, f.footer(s, w))
}

func (f *filesScreen) row(s *Session, i, w int) string {
	t, e := s.t, f.shown[i]
	mark := t.Faint.Render(t.Glyph.Unselected)
	if _, on := f.marked[filepath.Join(f.dir, e.Name)]; on {
		mark = t.Accent.Render(t.Glyph.Selected)
	}
	name, size := text.Clean(e.Name), text.Bytes(e.Size)
	if e.Dir {
		mark, name, size = text.Spaces(text.Width(t.Glyph.Unselected)), name+string(filepath.Separator), ""
	}
	date := ""
	if w >= 60 {
		date = text.FitRight(age(s.o.Clock().Sub(e.Time)), 10)
	}
	nw := max(4, w-text.Width(t.Glyph.Unselected)-14-text.Width(date))
	name = text.FitMiddle(name, nw)
	switch {
	case e.Dir:
		name = t.Accent.Render(name)
	case e.archive():
		name = t.Good.Render(name)
	}
	return line(t, i == f.cursor, mark+" "+name+text.FitRight(size, 9)+t.Muted.Render(date), w)
}

// about tells about the file under the cursor.
func (f *filesScreen) about(s *Session, w int) []string {
	t := s.t
	e, ok := f.current()
	if !ok {
		return nil
	}
	out := []string{t.Strong.Render(text.CutMiddle(text.Clean(e.Name), w)), ""}
	if e.Dir {
		return append(out, t.Muted.Render("a directory"))
	}
	fact := func(label, value string) {
		out = append(out, t.Muted.Render(text.Fit(label, 12))+text.Cut(value, w-12))
	}
	fact("size", text.Count(e.Size)+" bytes")
	if !e.Time.IsZero() {
		fact("changed", e.Time.Format("2006-01-02 15:04"))
	}
	if e.archive() {
		return append(out, "", t.Muted.Render("an archive: enter decompresses it,"), t.Muted.Render("t tests it, i tells about it"))
	}
	if m, ok := s.model(); ok {
		est, judged := s.estimate(filepath.Join(f.dir, e.Name), m.Name, e.Size)
		if !judged && m.Speed > 0 {
			est.Time = time.Duration(float64(e.Size) / m.Speed * float64(time.Second))
			est.Bytes = int64(float64(e.Size) * m.BPC / 8)
		}
		out = append(out, "")
		fact("model", m.Name)
		if est.Time > 0 {
			fact("time", "~"+text.Seconds(est.Time))
		}
		switch {
		case judged:
			fact("size then", "~"+text.Bytes(est.Bytes))
		case est.Bytes > 0:
			fact("size then", "~"+text.Bytes(est.Bytes)+" if it is text")
		}
		if !judged && s.b.Estimate != nil {
			out = append(out, "", t.Key.Render("e")+t.Muted.Render(" estimates size and time"))
		}
	}
	if list := s.history.of(filepath.Join(f.dir, e.Name)); len(list) > 0 {
		out = append(out, "", t.Title.Render("so far"))
		for _, r := range list[:min(len(list), 6)] {
			out = append(out, text.Cut(text.Fit(r.Model, 12)+text.FitRight(text.Fixed(r.BPC(), 3), 6)+t.Muted.Render(" BPC ")+text.FitRight(text.Rate(r.Speed()), 10), w))
		}
	}
	return out
}

// footer says what the next job would work on and with.
func (f *filesScreen) footer(s *Session, w int) string {
	t := s.t
	_, entries := f.targets()
	var total int64
	for _, e := range entries {
		total += e.Size
	}
	what := "no file chosen,"
	if len(entries) > 0 {
		what = plural(len(entries), "file") + ", " + text.Bytes(total)
	}
	if len(f.marked) > 0 {
		what = plural(len(entries), "marked file") + ", " + text.Bytes(total)
	}
	with := "with " + s.modelName()
	if m, ok := s.model(); ok && m.Speed > 0 && total > 0 {
		with += ", about " + text.Seconds(time.Duration(float64(total)/m.Speed*float64(time.Second)))
	}
	if extra := s.settings.describe(); extra != "" {
		with += " (" + extra + ")"
	}
	return text.Fit(" "+t.Strong.Render(what)+" "+t.Muted.Render(text.Cut(with, max(0, w-text.Width(what)-3))), w)
}

// age writes how long ago something was.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%d months", int(d.Hours()/24/30))
	}
	return fmt.Sprintf("%d years", int(d.Hours()/24/365))
}

// line draws a line of a list, marked if the cursor is on it.
func line(t *theme.Theme, cursor bool, s string, w int) string {
	head := "  "
	if cursor {
		head = t.Accent.Render(t.Glyph.Cursor) + " "
	}
	return text.Fit(head+strings.TrimRight(s, " "), w)
}
