package session

import (
	"path/filepath"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/models/trainer"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// trainForm asks how to train a model.
type trainForm struct {
	corpus string // what it learns from, for people
	bytes  int64  // of that, -1 where it is not known
	paths  []string
	begin  choice
	plans  []TrainPlan // for each choice of begin
	hints  []string
	time   choice
	rest   choice // what becomes of an interrupted training
	name   textinput.Model
	list   list
	look   func(name string) TrainTarget
	target TrainTarget
}

// The rows of the form.
const (
	rowBegin = iota
	rowTime
	rowName
	rowRest // only where there is something to go on from
)

var trainMinutes = []float64{1, 2, 5, 10, 20, 30, 60, 120, 240, 480}

func newTrainForm(s *Session, paths []string, entries []Entry) *trainForm {
	f := &trainForm{paths: paths, look: s.b.TrainTarget, name: newInput(suggestedName(paths[0]))}
	f.time.scale = true
	var total int64
	for _, e := range entries {
		total += e.Size
	}
	f.bytes = total
	f.corpus = plural(len(paths), "file") + ", " + text.Bytes(total)
	if len(entries) == 1 {
		f.corpus = text.Clean(entries[0].Name)
		if entries[0].Dir {
			f.corpus += " and all below it"
			f.bytes = -1
		} else {
			f.corpus += ", " + text.Bytes(total)
		}
	}
	add := func(name, hint string, p TrainPlan) {
		f.begin.names = append(f.begin.names, name)
		f.hints = append(f.hints, hint)
		f.plans = append(f.plans, p)
	}
	add("a new LSTM", "small and fast; learns the most in the first minutes", TrainPlan{Arch: "lstm"})
	add("a new GRU", "better in the end, but needs hours and many megabytes", TrainPlan{Arch: "gru"})
	add("a new GPT", "a transformer over tokens of its own; the best in the end, but needs hours and many megabytes", TrainPlan{Arch: "gpt"})
	for _, m := range s.models.all {
		if k := strings.ToLower(m.Kind); m.Where == Bundled && k != "mixer" || m.Where == Installed && (k == "lstm" || k == "gru") {
			add(m.Name+", adapted", "goes on from what "+m.Name+" knows: needs far less time and text", TrainPlan{Init: m.Name})
		}
	}
	for i, m := range trainMinutes {
		f.time.names = append(f.time.names, minutes(m))
		if m == 10 {
			f.time.at = i
		}
	}
	f.rest.names = []string{"go on from it", "start over"}
	f.looked()
	return f
}

// suggestedName makes a model's name of a file's.
func suggestedName(path string) string {
	base := filepath.Base(path)
	if ext := filepath.Ext(base); ext != base {
		base = strings.TrimSuffix(base, ext)
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, base)
	return strings.Trim(name[:min(len(name), 24)], "-")
}

func minutes(m float64) string {
	if m >= 60 {
		return plural(int(m/60), "hour")
	}
	return plural(int(m), "minute")
}

// looked asks what there is under the name that stands now.
func (f *trainForm) looked() {
	f.target = f.look(f.value())
	rows := rowName + 1
	if f.target.Interrupted {
		rows++
	}
	f.list.resize(rows, rows)
}

func (f *trainForm) value() string { return strings.TrimSpace(f.name.Value()) }

func (f *trainForm) title() string { return "Train a model" }

// plan is what was chosen.
func (f *trainForm) plan() TrainPlan {
	p := f.plans[f.begin.at]
	p.Name, p.Minutes = f.value(), trainMinutes[f.time.at]
	p.Resume = f.target.Interrupted && f.rest.at == 0
	return p
}

func (f *trainForm) key(s *Session, k tea.KeyPressMsg) tea.Cmd {
	switch key := k.String(); key {
	case "esc":
		s.dialog = nil
		return nil
	case "enter":
		return f.start(s)
	case "up", "shift+tab":
		f.list.move(-1)
		return nil
	case "down", "tab":
		f.list.move(1)
		return nil
	}
	if f.list.cursor == rowName {
		f.name, _ = f.name.Update(k)
		f.looked()
		return nil
	}
	d := 0
	switch k.String() {
	case "right", "l", "space":
		d = 1
	case "left", "h":
		d = -1
	default:
		f.list.key(k.String())
		return nil
	}
	f.turn(d)
	return nil
}

// turn chooses the value d places on, in the lines that have some.
func (f *trainForm) turn(d int) {
	if c := [...]*choice{rowBegin: &f.begin, rowTime: &f.time, rowName: nil, rowRest: &f.rest}[f.list.cursor]; c != nil {
		c.turn(d)
	}
}

func (f *trainForm) click(_ *Session, x, y int) tea.Cmd {
	switch i := f.list.click(y - 1); i { // what it learns from stands above
	case -1:
	case f.list.cursor:
		f.turn(clicked(x, 2+13))
	default:
		f.list.to(i)
	}
	return nil
}

func (f *trainForm) wheel(n int) { f.list.move(n) }

// start puts the training into the queue, after a question if it replaces a model.
func (f *trainForm) start(s *Session) tea.Cmd {
	if f.target.Problem != "" {
		f.list.to(rowName)
		return nil
	}
	begin := func(s *Session) tea.Cmd {
		s.dialog = nil
		clear(s.files.marked)
		return s.enqueue([]Task{{Op: Train, Path: f.paths[0], More: f.paths[1:], Train: f.plan(), Settings: s.settings}}, []int64{-1})
	}
	if f.target.Exists {
		s.dialog = &confirm{question: "There is a model " + f.value() + ". Replace it?", yes: begin}
		return nil
	}
	return begin(s)
}

func (f *trainForm) paste(content string) {
	f.name, _ = f.name.Update(tea.PasteMsg{Content: content})
	f.looked()
}

func (f *trainForm) lines(t *theme.Theme, w, h int) []string {
	out := []string{"  " + t.Muted.Render(text.Fit("learn from", 13)) + text.Cut("  "+f.corpus, w-15)}
	row := func(i int, label, value string) {
		out = append(out, line(t, i == f.list.cursor, t.Muted.Render(text.Fit(label, 13))+value, w))
	}
	pick := func(i int, c *choice) string { return c.draw(t, i == f.list.cursor) }
	row(rowBegin, "begin with", pick(rowBegin, &f.begin))
	row(rowTime, "train for", pick(rowTime, &f.time))
	if f.list.cursor == rowName {
		row(rowName, "call it", "  "+inputLine(&f.name, w-17))
	} else {
		row(rowName, "call it", "  "+text.Cut(text.Clean(f.name.Value()), w-17))
	}
	if f.target.Interrupted {
		row(rowRest, "interrupted", pick(rowRest, &f.rest))
	}
	style, note := t.Muted, f.hints[f.begin.at]
	switch {
	case f.target.Problem != "":
		style, note = t.Bad, f.target.Problem
	case f.list.cursor == rowRest:
		note = "an earlier training of this name was stopped; going on needs the same files"
	case f.target.Exists:
		style, note = t.Warn, "there is a model of this name; you will be asked whether to replace it"
	case f.little() != "":
		style, note = t.Warn, f.little()
	}
	out = append(out, "")
	for _, l := range wrapped(style, note, w) {
		out = append(out, " "+l)
	}
	out = append(out, "", t.Muted.Render(text.Cut("left and right change, enter starts, esc leaves", w)))
	return out[:min(len(out), max(1, h))]
}

// little says so where there is too little text to learn from.
func (f *trainForm) little() string {
	if f.bytes < 0 {
		return ""
	}
	return trainer.LittleText(f.bytes, f.plan().Init != "")
}
