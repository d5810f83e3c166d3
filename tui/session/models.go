package session

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/text"
)

// modelsScreen lists the models.
type modelsScreen struct {
	list
	all   []Model
	known bool // whether they have been looked for
}

func (m *modelsScreen) loaded(s *Session, msg modelsMsg) {
	m.known = true
	if msg.err != nil {
		s.complain(msg.err)
		return
	}
	m.all = msg.list
	here := func(x Model) bool { return x.Name == s.settings.Model }
	if len(m.all) > 0 && !slices.ContainsFunc(m.all, here) {
		s.settings.Model = m.all[0].Name // one that was remembered may be gone
	}
	for i := range m.all {
		if m.all[i].Name == s.settings.Model && m.cursor == 0 {
			m.resize(len(m.all), max(1, m.height))
			m.to(i)
		}
	}
	s.layout()
}

// model returns the chosen model, if it is known.
func (s *Session) model() (Model, bool) {
	for _, m := range s.models.all {
		if m.Name == s.settings.Model {
			m, _, _ = s.figures(m)
			return m, true
		}
	}
	return Model{}, false
}

// figures fills in a model's speed and BPC, and says where they come from: from
// earlier jobs, or, as a guess, from samples of the picked file.
func (s *Session) figures(m Model) (_ Model, from string, guess bool) {
	if speed, bpc, jobs := s.history.typical(m.Name); jobs > 0 {
		m.Speed, m.BPC = speed, bpc
		return m, "the median of " + plural(jobs, "earlier job"), false
	}
	if path, size, ok := s.files.pick(); ok && size >= leastJudged {
		if e, ok := s.estimate(path, m.Name, size); ok {
			m.Speed, m.BPC = e.Speed(), e.BPC()
			return m, "samples of " + text.Clean(filepath.Base(path)), !e.Exact
		}
	}
	return m, "", false
}

func (s *Session) modelName() string {
	if s.settings.Model == "" {
		return "the usual model"
	}
	return s.settings.Model
}

func (m *modelsScreen) bindings(s *Session) []binding {
	list := []binding{
		bind("enter space", "enter", "use", "use it for the next jobs", m.use),
		bind("e", "e", "estimate", "what each would make of the picked file, by samples", m.estimate),
	}
	if s.b.Pull {
		list = append(list, bind("p", "p", "pull", "download and check it", m.pull))
	}
	return list
}

func (m *modelsScreen) current() (Model, bool) {
	if m.cursor >= len(m.all) {
		return Model{}, false
	}
	return m.all[m.cursor], true
}

func (m *modelsScreen) use(s *Session) tea.Cmd {
	c, ok := m.current()
	switch {
	case !ok:
	case c.Where == Available:
		s.say(c.Name + " is not here yet: p pulls it (or " + c.Get + ")")
	case c.Where == Broken:
		s.say(c.Name + " cannot be used: " + c.Problem)
	default:
		s.settings.Model = c.Name
		s.say("the next jobs use " + c.Name)
	}
	return nil
}

func (m *modelsScreen) estimate(s *Session) tea.Cmd {
	path, size, ok := s.files.pick()
	if !ok {
		s.say("there is no file to try them on: 1 leads to the files")
		return nil
	}
	return s.askEstimates(path, size)
}

func (m *modelsScreen) pull(s *Session) tea.Cmd {
	c, ok := m.current()
	if !ok || c.Where != Available {
		s.say("it is here already")
		return nil
	}
	for _, j := range s.queue.jobs {
		if j.task.Op == Pull && j.task.Path == c.Name && !j.snap.State.Over() {
			s.say(c.Name + " is on its way already")
			return nil
		}
	}
	return s.askPull(c.Name, func(s *Session) tea.Cmd {
		return s.enqueue([]Task{{Op: Pull, Path: c.Name}}, []int64{c.Bytes})
	})
}

// largePull is the size in bytes from which a download is asked about.
const largePull = 300e6

// spaceMsg brings what is free where a model would go.
type spaceMsg struct {
	name  string
	free  int64
	place string
	err   error
	then  func(*Session) tea.Cmd
}

// askPull does then, a download of a model, after a question if that is large.
func (s *Session) askPull(name string, then func(*Session) tea.Cmd) tea.Cmd {
	if size := s.pullSize(name); size >= 0 && size < largePull {
		return then(s)
	}
	space := s.b.Space
	if space == nil {
		space = func() (int64, string, error) { return -1, "", nil }
	}
	return func() tea.Msg {
		free, place, err := space()
		return spaceMsg{name, free, place, err, then}
	}
}

// pullSize is how many bytes the download of a model takes, -1 where it is not known.
func (s *Session) pullSize(name string) int64 {
	for _, m := range s.models.all {
		if m.Name == name && m.Bytes > 0 {
			return m.Bytes
		}
	}
	return -1
}

// choosePull asks whether a large model shall be downloaded.
func (s *Session) choosePull(msg spaceMsg) tea.Cmd {
	size, known := s.pullSize(msg.name), msg.err == nil && msg.free >= 0
	q := "Pull " + msg.name + "?"
	if size > 0 {
		q = fmt.Sprintf("Pull %s, %s?", msg.name, text.Bytes(size))
	}
	if known {
		q += fmt.Sprintf(" %s are free in %s.", text.Bytes(msg.free), shortPath(msg.place))
	}
	if running, _ := s.queue.active(); running > 0 {
		q += " It runs beside what goes on now."
	}
	if known && size > msg.free {
		s.dialog = &page{head: "Not enough space", body: []string{fmt.Sprintf("%s takes %s, and %s are free in %s. Make room there first.",
			msg.name, text.Bytes(size), text.Bytes(msg.free), shortPath(msg.place))}}
		return nil
	}
	s.dialog = &confirm{question: q, yes: msg.then}
	return nil
}

var whereNames = [...]string{Bundled: "bundled", Installed: "installed", Available: "can be pulled", Broken: "broken"}

// render draws the list in w × h cells.
func (m *modelsScreen) render(s *Session, w, h int) []string {
	t := s.t
	nw := 10
	for _, x := range m.all {
		nw = max(nw, text.Width(x.Name))
	}
	nw = min(nw, max(8, w/4))
	wide := w >= 76
	head := "    " + text.Fit("model", nw)
	if wide {
		head += " " + text.Fit("kind", 9) + text.FitRight("weights", 9)
	}
	narrow := w < 56
	if !narrow {
		head += text.FitRight("size", 9)
	}
	head += text.FitRight("speed here", 12) + text.FitRight("ratio", 8)
	if w >= 90 {
		head += text.FitRight("BPC", 8)
	}
	if !narrow {
		head += "  where"
	}
	out := []string{t.Muted.Render(text.Fit(head, w))}
	if len(m.all) == 0 {
		msg := "looking for models"
		if m.known {
			msg = "there are no models"
		}
		out = append(out, " "+t.Muted.Render(msg))
	}
	from, to := m.window()
	for i := from; i < to; i++ {
		x, _, guess := s.figures(m.all[i])
		mark := " "
		if x.Name == s.settings.Model {
			mark = t.Good.Render(string([]rune(t.Glyph.Done)[0]))
		}
		name := text.FitMiddle(text.Clean(x.Name), nw)
		if x.Where == Available || x.Where == Broken {
			name = t.Muted.Render(name)
		}
		row := mark + " " + name
		if wide {
			row += " " + t.Muted.Render(text.Fit(x.Kind, 9)) + text.FitRight(text.Params(x.Parameters), 9)
		}
		size := "-"
		if x.Bytes > 0 {
			size = text.Bytes(x.Bytes)
		}
		ratio := 0.0
		if x.BPC > 0 {
			ratio = 8 / x.BPC
		}
		speed, about := text.Rate(x.Speed), ""
		if guess {
			about = "~"
		}
		if path, _, ok := s.files.pick(); ok && x.Speed == 0 && s.judging(path, x.Name) {
			speed = "trying"
		}
		if !narrow {
			row += text.FitRight(size, 9)
		}
		row += text.FitRight(about+speed, 12) + text.FitRight(about+text.Ratio(ratio), 8)
		if w >= 90 {
			row += text.FitRight(about+text.Fixed(x.BPC, 2), 8)
		}
		row += "  "
		switch {
		case narrow:
		case x.Where == Available:
			row += t.Muted.Render(whereNames[x.Where])
		case x.Where == Broken:
			row += t.Bad.Render(whereNames[x.Where])
		default:
			row += t.Good.Render(whereNames[x.Where])
		}
		out = append(out, line(t, i == m.cursor, row, w))
	}
	if c, ok := m.current(); ok && h-len(out) >= 4 {
		about := m.about(s, c, w)
		about = about[:min(len(about), h-2)]
		out = text.Block(out, w, h-len(about))
		out = append(out, about...)
	}
	return text.Block(out, w, h)
}

// about draws what there is to say about a model: all of what is wrong with it.
func (m *modelsScreen) about(s *Session, c Model, w int) []string {
	out := []string{s.t.Rule(text.Clean(c.Name), w)}
	if c.About != "" {
		out = append(out, wrapped(s.t.Text, c.About, w)...)
	}
	if c.Where == Broken {
		return append(out, wrapped(s.t.Bad, "it cannot be used: "+c.Problem, w)...)
	}
	return append(out, " "+text.Cut(m.source(s, c), w-2))
}

// source says how a model comes here, or where its figures come from.
func (m *modelsScreen) source(s *Session, c Model) string {
	t := s.t
	_, from, _ := s.figures(c)
	switch {
	case c.Where == Available && c.Get != "":
		return t.Key.Render("p") + t.Muted.Render(" downloads it, as does ") + c.Get
	case c.Where == Available || c.Where == Broken:
		return ""
	case from != "":
		return t.Muted.Render("speed and ratio: " + from)
	}
	if path, _, ok := s.files.pick(); ok && s.b.Estimate != nil {
		return t.Key.Render("e") + t.Muted.Render(" tries it on samples of "+text.Clean(filepath.Base(path)))
	}
	return ""
}

// of returns the history's results for a file, best first.
func (h *historyScreen) of(path string) []Record {
	var out []Record
	for _, r := range h.all {
		if r.Path == path && r.Op == Compress && r.Error == "" {
			out = append(out, r)
		}
	}
	sortRecords(out, byRatio, false)
	return out
}

// typical returns a model's median speed and BPC in earlier compressions, and the
// number of those.
func (h *historyScreen) typical(model string) (speed, bpc float64, jobs int) {
	var speeds, bpcs []float64
	for _, r := range h.all {
		if r.Model == model && r.Op == Compress && r.Error == "" && r.Original >= leastJudged && r.Seconds > 0 {
			speeds, bpcs = append(speeds, r.Speed()), append(bpcs, r.BPC())
		}
	}
	if len(speeds) == 0 {
		return 0, 0, 0
	}
	sort.Float64s(speeds)
	sort.Float64s(bpcs)
	return speeds[len(speeds)/2], bpcs[len(bpcs)/2], len(speeds)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// describe names the settings that differ from the usual ones.
func (x Settings) describe() string {
	var parts []string
	add := func(on bool, s string) {
		if on {
			parts = append(parts, s)
		}
	}
	add(x.NoMix, "no mixing")
	add(x.BlockSize > 0, "blocks of "+text.Binary(int64(x.BlockSize)))
	add(x.Lanes > 0, plural(x.Lanes, "lane"))
	add(x.Threads > 0, plural(x.Threads, "thread"))
	add(x.Verify, "verified")
	add(x.Remove, "sources removed")
	add(x.Force, "overwriting")
	s := ""
	for i, p := range parts {
		if i > 0 {
			s += ", "
		}
		s += p
	}
	return s
}
