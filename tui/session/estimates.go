package session

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// leastJudged is the size in bytes below which a file says more about starting
// than about working.
const leastJudged = 4096

// estimates are what models would make of files, judged by samples: one model
// after the other, and one file at a time.
type estimates struct {
	known map[string][]Estimate // by path
	base  Settings              // what they hold for
	path  string                // the file that is judged now, empty for none
	left  []string              // the models that still have to; the first is at it
	ctx   context.Context
	stop  context.CancelFunc
}

// estimateMsg brings what one model would make of a file.
type estimateMsg struct {
	Estimate
	path string
	ctx  context.Context // that of the judging it belongs to
	err  error
}

// base are the settings that estimates depend on, without the model.
func (x Settings) base() Settings {
	x.Model, x.Verify, x.Remove, x.Force = "", false, false, false
	return x
}

// judge asks models what they would make of a file.
func (s *Session) judge(path string, models []string) tea.Cmd {
	e := &s.estimates
	if s.b.Estimate == nil || len(models) == 0 || e.path == path {
		return nil
	}
	s.stopJudging()
	if base := s.settings.base(); e.known == nil || e.base != base {
		e.known, e.base = map[string][]Estimate{}, base
	}
	e.path, e.left = path, models
	e.ctx, e.stop = context.WithCancel(s.ctx)
	return s.judgeNext()
}

func (s *Session) judgeNext() tea.Cmd {
	e := &s.estimates
	ctx, path, x, estimate := e.ctx, e.path, e.base, s.b.Estimate
	x.Model = e.left[0]
	return func() tea.Msg {
		est, err := estimate(ctx, path, x)
		est.Model = x.Model
		return estimateMsg{est, path, ctx, err}
	}
}

// stopJudging leaves a file that is judged: its models are needed for work.
func (s *Session) stopJudging() {
	if e := &s.estimates; e.path != "" {
		e.stop()
		e.path, e.left = "", nil
	}
}

func (s *Session) judged(msg estimateMsg) tea.Cmd {
	e := &s.estimates
	if msg.ctx != e.ctx || e.path == "" {
		return nil
	}
	if gone := (*fs.PathError)(nil); errors.As(msg.err, &gone) && gone.Path == msg.path {
		s.stopJudging()
		s.complain(msg.err)
		return nil
	}
	msg.Err = msg.err
	list := e.known[msg.path]
	for i := range list {
		if list[i].Model == msg.Model {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	e.known[msg.path] = append(list, msg.Estimate)
	if e.left = e.left[1:]; len(e.left) == 0 {
		s.stopJudging()
		return nil
	}
	return s.judgeNext()
}

// estimate returns what is known of a file of that size and a model.
func (s *Session) estimate(path, model string, size int64) (Estimate, bool) {
	if s.estimates.base != s.settings.base() {
		return Estimate{}, false
	}
	for _, e := range s.estimates.known[path] {
		if e.Model == model && e.Original == size && e.Err == nil {
			return e, true
		}
	}
	return Estimate{}, false
}

// judging is whether a model still has to judge a file.
func (s *Session) judging(path, model string) bool {
	if s.estimates.path != path {
		return false
	}
	for _, m := range s.estimates.left {
		if m == model {
			return true
		}
	}
	return false
}

// here are the names of the models that can be used at once.
func (s *Session) here(bundled bool) []string {
	var names []string
	for _, m := range s.models.all {
		if m.Where == Bundled || m.Where == Installed && !bundled {
			names = append(names, m.Name)
		}
	}
	return names
}

// askEstimates judges a file with all models that are here, before the user's
// eyes.
func (s *Session) askEstimates(path string, size int64) tea.Cmd {
	names := s.here(false)
	if s.b.Estimate == nil || len(names) == 0 {
		return nil
	}
	s.dialog = &judgement{s: s, path: path, size: size}
	return s.judge(path, names)
}

// tryModels judges the picked file with the bundled models, if there is nothing
// else to say about them and nothing else to do.
func (s *Session) tryModels() tea.Cmd {
	running, waiting := s.queue.active()
	path, size, ok := s.files.pick()
	if !ok || size < leastJudged || running+waiting > 0 {
		return nil
	}
	var names []string
	for _, name := range s.here(true) {
		_, known := s.estimate(path, name, size)
		if speed, _, _ := s.history.typical(name); !known && speed == 0 {
			names = append(names, name)
		}
	}
	return s.judge(path, names)
}

// judgement is a page that shows estimates as they come.
type judgement struct {
	s    *Session
	path string
	size int64
}

func (j *judgement) title() string { return "Estimates for " + text.Clean(filepath.Base(j.path)) }

func (j *judgement) key(s *Session, _ tea.KeyPressMsg) tea.Cmd {
	s.dialog = nil
	return nil
}

func (j *judgement) paste(string) {}

func (j *judgement) click(s *Session, _, _ int) tea.Cmd {
	s.dialog = nil
	return nil
}

func (j *judgement) wheel(int) {}

func (j *judgement) lines(t *theme.Theme, w, h int) []string {
	out := j.s.comparison(j.path, j.size, w)
	out = out[:min(len(out), max(1, h-2))]
	hint := "~ by samples; any key closes"
	if j.s.estimates.path == j.path {
		hint = "samples are being compressed; any key closes"
	}
	return append(out, "", t.Muted.Render(text.Cut(hint, w)))
}

// comparison draws what models made of a file of that size, or would make of it,
// as lines as long as the results are large. It is empty where nothing is known.
func (s *Session) comparison(path string, size int64, w int) []string {
	t := s.t
	type result struct {
		Estimate
		made, waits bool
	}
	var list []result
	seen := map[string]bool{}
	for _, r := range s.history.of(path) {
		if r.Original == size && !seen[r.Model] {
			seen[r.Model] = true
			list = append(list, result{Estimate{Model: r.Model, Original: r.Original, Bytes: r.Compressed,
				Time: time.Duration(r.Seconds * float64(time.Second))}, true, false})
		}
	}
	judged := false
	if s.estimates.base == s.settings.base() {
		for _, e := range s.estimates.known[path] {
			judged = true
			if !seen[e.Model] {
				list = append(list, result{Estimate: e})
			}
		}
	}
	if s.estimates.path == path {
		judged = true
		for _, m := range s.estimates.left {
			if !seen[m] {
				list = append(list, result{Estimate: Estimate{Model: m}, waits: true})
			}
		}
	}
	if !judged {
		return nil
	}
	most, nw := 0.0, 6
	for _, r := range list {
		most = max(most, r.BPC())
		nw = max(nw, text.Width(r.Model))
	}
	nw = min(nw, 16)
	var out []string
	for i, r := range list {
		name := text.FitMiddle(text.Clean(r.Model), nw) + " "
		switch {
		case r.waits:
			out = append(out, name+t.Muted.Render(t.Glyph.Waiting))
			continue
		case r.Err != nil:
			for _, l := range text.Wrap(text.Clean(r.Err.Error()), w-nw-1) {
				out = append(out, name+t.Bad.Render(l))
				name = text.Spaces(nw + 1)
			}
			continue
		}
		about, mark := "~", " "
		if r.made || r.Exact {
			about = ""
		}
		if r.made {
			mark = t.Good.Render(t.Glyph.Done)
		}
		tail := text.FitRight(about+text.Bytes(r.Bytes), 10) + text.FitRight(text.Fixed(r.BPC(), 2), 6) + t.Muted.Render(" BPC") +
			text.FitRight(about+text.Seconds(r.Time), 9) + " " + mark
		style, _ := t.Line(i)
		bw := max(4, w-nw-1-text.Width(tail))
		out = append(out, name+chart.Length(t, style, r.BPC()/max(most, 0.01), bw)+tail)
	}
	return out
}
