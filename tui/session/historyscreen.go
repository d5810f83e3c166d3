package session

import (
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/text"
)

// historyScreen lists results, of this session and earlier ones.
type historyScreen struct {
	list
	all     []Record
	by      column
	reverse bool
}

func (x *historyScreen) loaded(s *Session, msg historyMsg) {
	s.complain(msg.err)
	if msg.list != nil {
		x.all = append(msg.list, x.all...)
		sortRecords(x.all, x.by, x.reverse)
	}
	s.layout()
}

// add puts a record into the history, and into its file.
func (x *historyScreen) add(s *Session, r Record) tea.Cmd {
	x.all = append(x.all, r)
	sortRecords(x.all, x.by, x.reverse)
	path := s.b.History
	if path == "" {
		return nil
	}
	return func() tea.Msg {
		return historyMsg{nil, saveRecord(path, r)}
	}
}

func (x *historyScreen) bindings(s *Session) []binding {
	sort := func(*Session) tea.Cmd {
		sortRecords(x.all, x.by, x.reverse)
		return nil
	}
	list := []binding{
		bind("s", "s", "sort", "sort by the next column", func(s *Session) tea.Cmd { x.by = (x.by + 1) % numColumns; return sort(s) }),
		bind("S", "S", "reverse", "turn the order around", func(s *Session) tea.Cmd { x.reverse = !x.reverse; return sort(s) }),
		bind("enter", "enter", "", "show the file in the picker", func(s *Session) tea.Cmd {
			if r, ok := x.current(); ok {
				s.tab = tabFiles
				return s.goTo(r.Path)
			}
			return nil
		}),
		bind("esc", "esc", "", "back to the files", show(tabFiles)),
	}
	list = append(x.again(s), list...)
	if s.b.Estimate != nil {
		list = append([]binding{bind("w", "w", "what if", "what other models would have given for this file", func(s *Session) tea.Cmd {
			if r, ok := x.current(); ok && r.Op == Compress {
				return s.judge(r.Path, s.here(false))
			}
			s.say("only for compressed files")
			return nil
		})}, list...)
	}
	return list
}

func (x *historyScreen) current() (Record, bool) {
	if x.cursor >= len(x.all) {
		return Record{}, false
	}
	return x.all[x.cursor], true
}

// panelHeight is the space for the record under the cursor: as much as a failure's
// reason takes.
func (x *historyScreen) panelHeight(s *Session, h int) int {
	n := 10
	switch {
	case h < 12:
		n = 0
	case h < 24:
		n = 6
	}
	if r, ok := x.current(); ok && r.Error != "" {
		n = max(n, len(x.reason(s, r, s.w))+2)
	}
	return min(n, max(0, h-3))
}

// render draws the history in w × h cells.
func (x *historyScreen) render(s *Session, w, h int) []string {
	t := s.t
	if len(x.all) == 0 {
		return text.Block([]string{"", " " + t.Muted.Render("no results yet: what is compressed here will be listed, and can be compared")}, w, h)
	}
	order := ", newest first"
	switch {
	case x.reverse:
		order = ", reversed"
	case x.by != byWhen:
		order = ""
	}
	mid := w >= 70
	head := "  " + text.Fit("file", x.nameWidth(w)) + text.Fit(" model", 12) + text.FitRight("bytes", 11)
	if mid {
		head += text.FitRight("ratio", 8)
	}
	head += text.FitRight("BPC", 7)
	if mid {
		head += text.FitRight("speed", 11)
	}
	if w >= 84 {
		head += text.FitRight("when", 10)
	}
	out := []string{t.Muted.Render(text.Fit(head, w))}
	from, to := x.window()
	for i := from; i < to; i++ {
		out = append(out, line(t, i == x.cursor, x.row(s, x.all[i], w, mid), w))
	}
	panel := x.panelHeight(s, h)
	out = text.Block(out, w, h-panel)
	if r, ok := x.current(); ok && panel > 0 {
		out = append(out, t.Rule("sorted by "+x.by.String()+order, w))
		out = append(out, " "+t.Strong.Render(text.CutMiddle(text.Clean(r.Path), w-2)))
		if r.Error != "" {
			out = append(out, x.reason(s, r, w)...)
		} else if est := s.comparison(r.Path, r.Original, w-2); est != nil && r.Op == Compress {
			for _, l := range est {
				out = append(out, " "+l)
			}
		} else {
			out = append(out, x.compare(s, r, w))
		}
	}
	return text.Block(out, w, h)
}

func (x *historyScreen) nameWidth(w int) int {
	n := w - 2 - 12 - 11 - 7
	if w >= 70 {
		n -= 19
	}
	if w >= 84 {
		n -= 10
	}
	return max(6, n)
}

func (x *historyScreen) row(s *Session, r Record, w int, mid bool) string {
	t := s.t
	name := text.FitMiddle(text.Clean(filepath.Base(r.Path)), x.nameWidth(w))
	if r.Error != "" {
		// A reason that has no room here stands below the list.
		why := text.Clean(string(r.Op) + ": " + r.Error)
		if text.Width(why) > w-x.nameWidth(w)-4 {
			why = string(r.Op) + " failed"
		}
		return name + " " + t.Bad.Render(why)
	}
	row := name + t.Muted.Render(text.Fit(" "+r.Model, 12))
	if r.Op == Compress {
		row += text.FitRight(text.Count(r.Compressed), 11)
	} else {
		row += t.Muted.Render(text.FitRight(string(r.Op), 11))
	}
	if mid {
		row += text.FitRight(text.Ratio(r.Ratio()), 8)
	}
	row += text.FitRight(text.Fixed(r.BPC(), 3), 7)
	if mid {
		row += text.FitRight(text.Rate(r.Speed()), 11)
	}
	if w >= 84 {
		row += t.Muted.Render(text.FitRight(age(s.o.Clock().Sub(r.When)), 10))
	}
	return row
}

// again are the keys for a failure under the cursor.
func (x *historyScreen) again(s *Session) []binding {
	r, ok := x.current()
	if !ok || r.Error == "" || r.Op != Compress && r.Op != Decompress && r.Op != Test {
		return nil
	}
	t := Task{Op: r.Op, Path: r.Path, Settings: s.settings}
	if r.Op == Compress {
		t.Model = r.Model
	}
	list := remedyBindings(t, -1, r.Remedy, r.Needs, func(*Session) {})
	if r.Remedy == Salvage { // s sorts here
		list[0] = bind("a", "a", list[0].Help().Desc, list[0].about, list[0].do)
	}
	return list
}

// reason draws why a record is one of a failure, and the keys for it.
func (x *historyScreen) reason(s *Session, r Record, w int) []string {
	out := wrapped(s.t.Bad, string(r.Op)+": "+r.Error, w)
	if again := x.again(s); len(again) > 0 {
		out = append(out, keysLine(s.t, again, w))
	}
	return out
}

// compare sets a record beside the best one of the same file.
func (x *historyScreen) compare(s *Session, r Record, w int) string {
	t := s.t
	best := x.of(r.Path)
	switch {
	case len(best) > 1 && best[0] != r && r.Op == Compress:
		return text.Fit(t.Muted.Render(" smallest so far: ")+best[0].Model+t.Muted.Render(" with ")+text.Count(best[0].Compressed)+
			t.Muted.Render(" bytes at "+text.Rate(best[0].Speed())), w)
	case s.b.Estimate != nil && r.Op == Compress:
		return text.Fit(t.Muted.Render(" what would another model have given? ")+t.Key.Render("w")+t.Muted.Render(" asks them, with samples"), w)
	}
	return ""
}
