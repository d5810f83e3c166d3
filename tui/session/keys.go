package session

import (
	"strings"

	"charm.land/bubbles/v2/help"
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// A binding is a key, what it does, and what the help says about it. One table
// of them feeds both, so that they cannot disagree. The help line shows those with
// a description; about is a sentence for "?".
type binding struct {
	key.Binding
	about string
	do    func(s *Session) tea.Cmd
}

// bind makes a binding of keys as bubbletea names them, separated by spaces.
func bind(keys, label, what, about string, do func(s *Session) tea.Cmd) binding {
	return binding{key.NewBinding(key.WithKeys(strings.Fields(keys)...), key.WithHelp(label, what)), about, do}
}

// press runs the binding of a key, and tells whether there was one.
func press(s *Session, list []binding, k tea.KeyPressMsg) (tea.Cmd, bool) {
	for _, b := range list {
		if key.Matches(k, b.Binding) {
			return b.do(s), true
		}
	}
	return nil, false
}

// global are the keys that every screen has, but for those that the shown one uses
// for something else.
func (s *Session) global() []binding {
	all := []binding{
		bind("1", "1", "", "files", show(tabFiles)),
		bind("2", "2", "", "models", show(tabModels)),
		bind("3", "3", "", "jobs", show(tabJobs)),
		bind("4", "4", "", "history of results", show(tabHistory)),
		bind("tab", "tab", "", "the next screen (shift+tab: the one before)", func(s *Session) tea.Cmd { return show((s.tab + 1) % numTabs)(s) }),
		bind("shift+tab", "shift+tab", "", "", func(s *Session) tea.Cmd { return show((s.tab + numTabs - 1) % numTabs)(s) }),
		bind("o", "o", "options", "options for the next jobs", (*Session).openOptions),
		bind("?", "?", "help", "this page", (*Session).openHelp),
		bind("q", "q", "quit", "quit; ctrl+c quits without asking", (*Session).askQuit),
	}
	used := map[string]bool{}
	for _, b := range s.bindings() {
		for _, k := range b.Keys() {
			used[k] = true
		}
	}
	var free []binding
	for _, b := range all {
		if !used[b.Keys()[0]] {
			free = append(free, b)
		}
	}
	return free
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

// newHelp returns the component that draws keys.
func newHelp(t *theme.Theme) help.Model {
	h := help.New()
	key, what := t.Key.Lipgloss(), t.Muted.Lipgloss()
	h.Styles = help.Styles{ShortKey: key, ShortDesc: what, ShortSeparator: what, FullKey: key, FullDesc: t.Text.Lipgloss(), FullSeparator: what, Ellipsis: what}
	h.ShortSeparator, h.Ellipsis = "  ", text.Ellipsis
	if t.Glyphs == theme.ASCII {
		h.Ellipsis = "..."
	}
	return h
}

// helpLine lists as many keys as fit into w cells; help and quit always do.
func helpLine(t *theme.Theme, screen, global []binding, w int) string {
	var first, last []key.Binding
	for _, b := range append(append([]binding(nil), screen...), global...) {
		switch what := b.Help().Desc; what {
		case "":
		case "help", "quit":
			last = append(last, b.Binding)
		default:
			first = append(first, b.Binding)
		}
	}
	h := newHelp(t)
	tail := h.ShortHelpView(last)
	h.SetWidth(max(1, w-text.Width(tail)-3))
	return text.Fit(" "+h.ShortHelpView(first)+"  "+tail, w)
}

// helpLines lists all keys of a screen.
func helpLines(t *theme.Theme, screen, global []binding) []string {
	h := newHelp(t)
	var out []string
	add := func(title string, list []binding) {
		out = append(out, t.Title.Render(title))
		var keys []key.Binding
		for _, b := range list {
			about := b.about
			if about == "" {
				about = b.Help().Desc
			}
			if about != "" {
				keys = append(keys, key.NewBinding(key.WithKeys(b.Keys()...), key.WithHelp("  "+text.Fit(b.Help().Key, 11), about)))
			}
		}
		if len(keys) > 0 {
			out = append(out, strings.Split(h.FullHelpView([][]key.Binding{keys}), "\n")...)
		}
	}
	add("Here", screen)
	add("Everywhere", global)
	return out
}
