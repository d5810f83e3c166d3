package session

import (
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
	if s.settings.Model == "" && len(m.all) > 0 {
		s.settings.Model = m.all[0].Name
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
			return s.withHistory(m), true
		}
	}
	return Model{}, false
}

// withHistory fills in what earlier jobs showed of a model's speed and BPC.
func (s *Session) withHistory(m Model) Model {
	speed, bpc := s.history.typical(m.Name)
	if speed > 0 {
		m.Speed = speed
	}
	if bpc > 0 {
		m.BPC = bpc
	}
	return m
}

func (s *Session) modelName() string {
	if s.settings.Model == "" {
		return "the usual model"
	}
	return s.settings.Model
}

func (m *modelsScreen) bindings(s *Session) []binding {
	list := []binding{
		{keys: "enter space", label: "enter", what: "use", about: "use it for the next jobs", do: m.use},
		{keys: "e", what: "estimate", about: "what each would make of the file under the picker's cursor", do: func(s *Session) tea.Cmd { return s.files.estimate(s) }},
	}
	if s.b.Pull {
		list = append(list, binding{keys: "p", what: "pull", about: "download and check it", do: m.pull})
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

func (m *modelsScreen) pull(s *Session) tea.Cmd {
	c, ok := m.current()
	if !ok || c.Where != Available {
		s.say("it is here already")
		return nil
	}
	return s.enqueue([]Task{{Op: Pull, Path: c.Name}}, []int64{c.Bytes})
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
	head += text.FitRight("size", 9) + text.FitRight("speed here", 12) + text.FitRight("BPC", 7) + "  where"
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
		x := s.withHistory(m.all[i])
		mark := " "
		if x.Name == s.settings.Model {
			mark = t.Good.Render(string([]rune(t.Glyph.Done)[0]))
		}
		row := mark + " " + text.FitMiddle(text.Clean(x.Name), nw)
		if wide {
			row += " " + t.Muted.Render(text.Fit(x.Kind, 9)) + text.FitRight(text.Params(x.Parameters), 9)
		}
		size := "-"
		if x.Bytes > 0 {
			size = text.Bytes(x.Bytes)
		}
		row += text.FitRight(size, 9) + text.FitRight(text.Rate(x.Speed), 12) + text.FitRight(text.Fixed(x.BPC, 2), 7) + "  "
		switch x.Where {
		case Available:
			row += t.Muted.Render(whereNames[x.Where])
		case Broken:
			row += t.Bad.Render("broken: " + text.Clean(x.Problem))
		default:
			row += t.Good.Render(whereNames[x.Where])
		}
		out = append(out, line(t, i == m.cursor, row, w))
	}
	if c, ok := m.current(); ok && h-len(out) >= 4 {
		out = text.Block(out, w, h-3)
		out = append(out, t.Rule(text.Clean(c.Name), w), " "+text.Cut(text.Clean(c.About), w-2))
		get := ""
		if c.Where == Available && c.Get != "" {
			get = " " + t.Muted.Render("from a shell: ") + c.Get
		}
		out = append(out, text.Cut(get, w))
	}
	return text.Block(out, w, h)
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

// typical returns a model's median speed and BPC in earlier compressions, 0
// where there were none.
func (h *historyScreen) typical(model string) (speed, bpc float64) {
	var speeds, bpcs []float64
	for _, r := range h.all {
		// Small files say more about starting than about working.
		if r.Model == model && r.Op == Compress && r.Error == "" && r.Original >= 4096 && r.Seconds > 0 {
			speeds, bpcs = append(speeds, r.Speed()), append(bpcs, r.BPC())
		}
	}
	if len(speeds) == 0 {
		return 0, 0
	}
	sort.Float64s(speeds)
	sort.Float64s(bpcs)
	return speeds[len(speeds)/2], bpcs[len(bpcs)/2]
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
