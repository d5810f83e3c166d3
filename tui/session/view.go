package session

import (
	"fmt"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
)

// bodyTop is the first line below the tabs.
const bodyTop = 2

// bodyHeight is the space between the tabs above, and the notice and the keys
// below.
func (s *Session) bodyHeight() int { return max(1, s.h-bodyTop-1-len(s.noticeLines())) }

// listTop is the first line of the shown screen's list in its body.
func (s *Session) listTop() int {
	if s.tab == tabJobs {
		return 0
	}
	return 1
}

// layout tells the lists how many of their lines can be seen.
func (s *Session) layout() {
	h := s.bodyHeight()
	s.files.resize(len(s.files.shown), h-2)
	s.models.resize(len(s.models.all), max(1, h-4))
	s.jobs.resize(len(s.queue.jobs), max(1, min(len(s.queue.jobs), h-min(11, h*2/3))))
	s.history.resize(len(s.history.all), max(1, h-1-s.history.panelHeight(s, h)))
}

// View draws the screen.
func (s *Session) View() tea.View {
	var v tea.View
	v.SetContent(strings.Join(s.lines(), "\n"))
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "llmz"
	for _, j := range s.queue.jobs {
		if f := j.snap.Fraction(); j.snap.State == feed.Running && f >= 0 {
			v.WindowTitle = fmt.Sprintf("%s %s - llmz", text.Percent(f), text.Clean(j.name()))
			v.ProgressBar = tea.NewProgressBar(tea.ProgressBarDefault, int(100*f))
		}
	}
	return v
}

// lines draws the screen: exactly s.h lines of s.w cells.
func (s *Session) lines() []string {
	if s.full != nil {
		return text.Block(s.full.Render(), s.w, s.h)
	}
	if s.w < 30 || s.h < 6 {
		return text.Block([]string{text.Cut("llmz: the window is too small", s.w)}, s.w, s.h)
	}
	out := []string{s.tabs(), s.t.Rule("", s.w)}
	w, h := s.w, s.bodyHeight()
	var body []string
	switch s.tab {
	case tabModels:
		body = s.models.render(s, w, h)
	case tabJobs:
		body = s.jobs.render(s, w, h)
	case tabHistory:
		body = s.history.render(s, w, h)
	default:
		body = s.files.render(s, w, h)
	}
	out = append(out, text.Block(body, w, h)...)
	out = append(append(out, s.noticeLines()...), helpLine(s.t, s.bindings(), s.global(), w))
	out = text.Block(out, s.w, s.h)
	if s.dialog != nil {
		out = over(s.t, out, s.dialog, s.w, s.h)
	}
	return out
}

// tabs draws the line of the tabs; on the right, what goes on.
func (s *Session) tabs() string {
	t := s.t
	left := " " + t.Brand.Render("llmz") + " "
	for i := range numTabs {
		left += " " + s.tabLabel(i) + " "
	}
	right := s.modelName() + " "
	if running, waiting := s.queue.active(); running+waiting > 0 {
		for _, j := range s.queue.jobs {
			if j.snap.State == feed.Running || j.snap.State == feed.Paused {
				right = text.Percent(j.snap.Fraction()) + " of " + text.CutMiddle(text.Clean(j.name()), 16) + " "
			}
		}
		if waiting > 0 {
			right += fmt.Sprintf("+%d ", waiting)
		}
	}
	if text.Width(left)+text.Width(right) > s.w {
		right = ""
	}
	return text.Ends(left, t.Muted.Render(right), s.w)
}

func (s *Session) tabLabel(i int) string {
	t := s.t
	label := fmt.Sprintf("%d %s", i+1, tabNames[i])
	if s.w < 50 {
		label = tabNames[i]
	}
	if i == s.tab {
		if !t.Colourful() {
			return t.Selected.Render("[" + label + "]")
		}
		return t.Title.Render("[" + label + "]")
	}
	return t.Muted.Render(" " + label + " ")
}

// tabAt returns the tab at a column of the first line, -1 for none.
func tabAt(s *Session, x int) int {
	at := 6
	for i := range numTabs {
		n := text.Width(s.tabLabel(i)) + 2
		if x >= at && x < at+n {
			return i
		}
		at += n
	}
	return -1
}

// noticeLines draws the notice: a line, or as many as what it says takes.
func (s *Session) noticeLines() []string {
	style := s.t.Warn
	if s.notice.bad {
		style = s.t.Bad
	}
	lines := wrapped(style, s.notice.text, s.w)
	return lines[:min(len(lines), max(1, s.h/2))]
}

func sortedKeys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
