package session

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/progress"
	"github.com/llmz/llmz/tui/text"
)

// jobsScreen shows the queue, and the job under the cursor in full.
type jobsScreen struct {
	list
	details bool
}

func (x *jobsScreen) current(s *Session) *job {
	if x.cursor >= len(s.queue.jobs) {
		return nil
	}
	return s.queue.jobs[x.cursor]
}

func (x *jobsScreen) bindings(s *Session) []binding {
	return []binding{
		{keys: "p space", label: "p", what: "pause", about: "pause the job, or let it go on", do: func(s *Session) tea.Cmd {
			if j := x.current(s); j != nil && !j.snap.State.Over() && j.snap.State != feed.Waiting {
				s.queue.pause(j)
			}
			return nil
		}},
		{keys: "x", what: "stop", about: "stop the job; its unfinished output goes", do: func(s *Session) tea.Cmd {
			if j := x.current(s); j != nil && !j.snap.State.Over() {
				s.queue.stop(j)
				s.say("stopping " + j.name())
			}
			return nil
		}},
		{keys: "d enter", label: "d", what: "details", about: "stages line by line, lanes and threads", do: func(*Session) tea.Cmd { x.details = !x.details; return nil }},
		{keys: "c", what: "clear", about: "take the finished jobs off the list", do: func(s *Session) tea.Cmd { s.queue.clear(); return nil }},
		{keys: "esc", about: "back to the files", do: show(tabFiles)},
	}
}

// render draws the queue in w × h cells: the list above, the job under the cursor
// below it.
func (x *jobsScreen) render(s *Session, w, h int) []string {
	t := s.t
	if len(s.queue.jobs) == 0 {
		return text.Block([]string{"", " " + t.Muted.Render("nothing to do: choose files on the first screen")}, w, h)
	}
	var out []string
	from, to := x.window()
	for i := from; i < to; i++ {
		out = append(out, line(t, i == x.cursor, x.row(s, s.queue.jobs[i], w-2), w))
	}
	j := x.current(s)
	if j == nil {
		return text.Block(out, w, h)
	}
	out = append(out, t.Rule("", w))
	room := h - len(out)
	switch {
	case j.snap.State == feed.Waiting:
		out = append(out, " "+t.Muted.Render("waiting for its turn"))
	case j.snap.State.Over():
		out = append(out, progress.Summary(t, j.output, j.snap, w-1)...)
	case j.check != nil:
		out = append(out, progress.Lines(t, "verify", *j.check, w-1, room, false)...)
	default:
		out = append(out, progress.Lines(t, string(j.task.Op), j.snap, w-1, room, x.details)...)
	}
	return text.Block(out, w, h)
}

func (x *jobsScreen) row(s *Session, j *job, w int) string {
	t := s.t
	mark := map[feed.State]string{
		feed.Waiting: t.Muted.Render(t.Glyph.Waiting), feed.Running: t.Accent.Render(t.Glyph.Arrow), feed.Paused: t.Warn.Render(t.Glyph.Paused),
		feed.Done: t.Good.Render(t.Glyph.Done), feed.Failed: t.Bad.Render(t.Glyph.Failed), feed.Cancelled: t.Warn.Render(t.Glyph.Failed),
	}[j.snap.State]
	var right string
	switch j.snap.State {
	case feed.Waiting:
		right = t.Muted.Render("waiting")
	case feed.Failed:
		right = t.Bad.Render("failed")
	case feed.Cancelled:
		right = t.Warn.Render("stopped")
	case feed.Paused:
		right = t.Warn.Render("paused at " + text.Percent(j.snap.Fraction()))
	case feed.Done:
		right = text.Ratio(j.snap.Ratio()) + text.FitRight(text.Fixed(j.snap.BPC(), 3), 8) + t.Muted.Render(" BPC")
	default:
		right = text.Percent(j.snap.Fraction()) + text.FitRight(text.Rate(j.snap.Speed), 12)
		if j.check != nil {
			right = "verifying " + text.Percent(j.check.Fraction())
		}
	}
	model := j.snap.Model.Name
	if model == "" && j.task.Op == Compress {
		model = j.task.Model
	}
	left := text.Fit(mark, 2) + " " + t.Muted.Render(text.Fit(string(j.task.Op), 11)) + text.CutMiddle(text.Clean(j.name()), max(6, w/2-8))
	if w >= 70 {
		left += t.Muted.Render("  " + model)
	}
	return strings.TrimRight(text.Ends(left, right+" ", w), " ")
}
