package session

import (
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/progress"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
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
	var list []binding
	pause, stop := "", ""
	if j := x.current(s); j != nil && !j.snap.State.Over() {
		pause, stop = "pause", "stop"
		if j.snap.State == feed.Paused {
			pause = "go on"
		}
	}
	if j := x.current(s); j != nil && j.failed() {
		r, model := cure(j.snap.Err)
		list = remedyBindings(j.task, j.size, r, model, func(s *Session) { s.queue.drop(j) })
	}
	return append(list,
		bind("p space", "p", pause, "pause the job, or let it go on", func(s *Session) tea.Cmd {
			switch j := x.current(s); {
			case j == nil:
			case j.snap.State.Over():
				s.say(j.name() + " is over: there is nothing to pause")
			case j.snap.State == feed.Waiting:
				s.say(j.name() + " has not begun: there is nothing to pause")
			default:
				s.queue.pause(j)
			}
			return nil
		}),
		bind("x", "x", stop, "stop the job; its unfinished output goes, a training is saved", func(s *Session) tea.Cmd {
			if j := x.current(s); j != nil && !j.snap.State.Over() {
				s.queue.stop(j)
				s.say("stopping " + j.name())
			}
			return nil
		}),
		bind("d enter", "d", "details", "stages line by line, lanes and threads", func(*Session) tea.Cmd { x.details = !x.details; return nil }),
		bind("u", "u", "", "use the model that was trained or pulled for the next jobs", x.use),
		bind("c", "c", "clear", "take the finished jobs off the list", func(s *Session) tea.Cmd { s.queue.clear(); return nil }),
		bind("esc", "esc", "", "back to the files", show(tabFiles)),
	)
}

// made returns the model that a finished job brought.
func (j *job) made() (string, bool) {
	if (j.task.Op == Train || j.task.Op == Pull) && j.snap.State == feed.Done {
		name := filepath.Base(j.output)
		return strings.TrimSuffix(name, filepath.Ext(name)), j.output != ""
	}
	return "", false
}

// shownOutput is the output's name, with its directory where that is not the
// input's.
func (j *job) shownOutput() string {
	switch {
	case j.output == "":
		return ""
	case filepath.Dir(j.output) != filepath.Dir(j.task.Path):
		return shortPath(j.output)
	}
	return filepath.Base(j.output)
}

// follow puts the cursor on the job that works now, if there is one.
func (x *jobsScreen) follow(s *Session) {
	for i, j := range s.queue.jobs {
		if !j.snap.State.Over() {
			x.to(i)
			return
		}
	}
}

// use makes a new model that of the next jobs.
func (x *jobsScreen) use(s *Session) tea.Cmd {
	j := x.current(s)
	if j == nil {
		return nil
	}
	name, ok := j.made()
	if !ok {
		s.say("u is for models that were trained or pulled")
		return nil
	}
	s.settings.Model = name
	s.say("the next jobs use " + name)
	return nil
}

// render draws the queue in w × h cells: the list above, the job under the cursor
// below it.
func (x *jobsScreen) render(s *Session, w, h int) []string {
	t := s.t
	if len(s.queue.jobs) == 0 {
		return text.Block([]string{"", " " + t.Muted.Render("nothing to do: 1 leads to the files")}, w, h)
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
	case j.failed():
		out = append(out, progress.Summary(t, j.shownOutput(), j.snap, w-1)...)
		r, model := cure(j.snap.Err)
		out = append(out, "", keysLine(s.t, remedyBindings(j.task, j.size, r, model, nil), w))
	case j.snap.State.Over():
		out = append(out, progress.Summary(t, j.shownOutput(), j.snap, w-1)...)
		if name, ok := j.made(); ok && s.settings.Model != name {
			out = append(out, "", " "+t.Key.Render("u")+t.Muted.Render(" uses it for the next jobs"))
		}
	default:
		out = append(out, progress.Lines(t, string(j.task.Op), j.snap, w-1, room, x.details)...)
	}
	if j.snap.Training == nil && j.snap.State != feed.Failed {
		if c := progress.Curves(t, &j.snap, w-4, h-len(out)-1); c != nil {
			out = append(out, "")
			for _, l := range c {
				out = append(out, "  "+l)
			}
		}
	}
	return text.Block(out, w, h)
}

// done says in short what a job came to.
func (j *job) done(t *theme.Theme) string {
	switch {
	case j.snap.Transfer != nil:
		return text.Bytes(j.snap.Transfer.Loaded)
	case j.snap.Training != nil:
		return text.Fixed(j.snap.Training.Best, 3) + t.Muted.Render(" BPC held out")
	case j.task.Op == Pull || j.task.Op == Train:
		return "done"
	}
	return text.Ratio(j.snap.Ratio()) + text.FitRight(text.Fixed(j.snap.BPC(), 3), 8) + t.Muted.Render(" BPC")
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
		right = j.done(t)
	default:
		right = text.Percent(j.snap.Fraction()) + text.FitRight(text.Rate(j.snap.Speed), 12)
		if j.snap.Verify != nil {
			right = "verifying " + text.Percent(j.snap.Verify.Fraction())
		}
	}
	model := j.snap.Model.Name
	if model == "" && j.task.Op == Compress {
		model = j.task.Model
	}
	left := text.Fit(mark, 2) + " " + t.Muted.Render(text.Fit(string(j.task.Op), 11)) + text.CutMiddle(text.Clean(j.name()), max(6, w/2-8))
	if w >= 70 && model != "" {
		left += t.Muted.Render("  " + model)
	}
	return strings.TrimRight(text.Ends(left, right+" ", w), " ")
}
