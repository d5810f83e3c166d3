package session

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// A binding is a key, what it does, and what the help says about it. One table
// of them feeds both, so that they cannot disagree.
type binding struct {
	keys  string // as bubbletea names them, separated by spaces
	label string // as shown; keys if empty
	what  string // as shown in the help line, empty to leave it to "?"
	about string // a sentence for "?"
	do    func(s *Session) tea.Cmd
}

func (b binding) name() string {
	if b.label != "" {
		return b.label
	}
	return b.keys
}

// press runs the binding of a key, and tells whether there was one.
func press(s *Session, list []binding, k string) (tea.Cmd, bool) {
	for _, b := range list {
		for _, key := range strings.Fields(b.keys) {
			if key == k {
				return b.do(s), true
			}
		}
	}
	return nil, false
}

// global are the keys that every screen has.
func (s *Session) global() []binding {
	return []binding{
		{keys: "1", do: show(tabFiles), about: "files"},
		{keys: "2", do: show(tabModels), about: "models"},
		{keys: "3", do: show(tabJobs), about: "jobs"},
		{keys: "4", do: show(tabHistory), about: "history of results"},
		{keys: "tab", do: func(s *Session) tea.Cmd { return show((s.tab + 1) % numTabs)(s) }, about: "the next screen (shift+tab: the one before)"},
		{keys: "shift+tab", do: func(s *Session) tea.Cmd { return show((s.tab + numTabs - 1) % numTabs)(s) }},
		{keys: "o", what: "options", do: (*Session).openOptions, about: "options for the next jobs"},
		{keys: "?", what: "help", do: (*Session).openHelp, about: "this page"},
		{keys: "q", what: "quit", do: (*Session).askQuit, about: "quit; ctrl+c quits without asking"},
	}
}

func show(tab int) func(*Session) tea.Cmd {
	return func(s *Session) tea.Cmd {
		s.tab = tab
		s.layout()
		if tab == tabModels {
			return s.tryModels()
		}
		return nil
	}
}

// helpLine lists as many keys as fit into w cells; help and quit always do.
func helpLine(t *theme.Theme, screen, global []binding, w int) string {
	item := func(b binding) string { return t.Key.Render(b.name()) + " " + t.Muted.Render(b.what) }
	tail := ""
	for _, b := range global {
		if b.what == "help" || b.what == "quit" {
			tail += "  " + item(b)
		}
	}
	line := " "
	for _, b := range append(append([]binding(nil), screen...), global...) {
		if b.what == "" || b.what == "help" || b.what == "quit" {
			continue
		}
		next := line + item(b) + "  "
		if text.Width(next)+text.Width(tail) > w {
			break
		}
		line = next
	}
	return text.Fit(strings.TrimRight(line, " ")+tail, w)
}

// helpLines lists all keys of a screen.
func helpLines(t *theme.Theme, screen, global []binding, w int) []string {
	var out []string
	add := func(title string, list []binding) {
		out = append(out, t.Title.Render(title))
		for _, b := range list {
			about := b.about
			if about == "" {
				about = b.what
			}
			if about == "" {
				continue
			}
			out = append(out, "  "+t.Key.Render(text.Fit(b.name(), 11))+" "+text.Cut(about, w-14))
		}
	}
	add("Here", screen)
	add("Everywhere", global)
	return out
}
