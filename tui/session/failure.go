package session

import (
	"errors"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// A Remedy is what a key can do about a failure: the same task once more, in another
// way.
type Remedy string

// The remedies.
const (
	Overwrite Remedy = "overwrite" // what is in the output's place
	Salvage   Remedy = "salvage"   // what is intact of a damaged archive
	Get       Remedy = "pull"      // the model that is missing, first
)

// A Failure is an error with what can be done about it here. Its text names no flags
// of the command line for that.
type Failure struct {
	Err    error
	Remedy Remedy
	Model  string // for Get
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// cure returns the remedy of an error, empty for none, and the model it is about.
func cure(err error) (Remedy, string) {
	var f *Failure
	if errors.As(err, &f) {
		return f.Remedy, f.Model
	}
	return "", ""
}

// A prescription is a remedy as a key.
type prescription struct{ key, what, about string }

func (r Remedy) prescription(model string) (prescription, bool) {
	switch r {
	case Overwrite:
		return prescription{"o", "overwrite", "do it again, and replace the output that is there"}, true
	case Salvage:
		return prescription{"s", "salvage", "restore what is intact, and leave the damaged blocks out"}, true
	case Get:
		return prescription{"p", "pull " + model, "download the model that is missing, and do it again"}, true
	}
	return prescription{}, false
}

// again returns the tasks that a remedy stands for.
func (t Task) again(r Remedy, model string) []Task {
	switch r {
	case Overwrite:
		t.Force = true
	case Salvage:
		t.Op, t.Salvage = Decompress, true
	case Get:
		t.After = model
		return []Task{{Op: Pull, Path: model}, t}
	}
	return []Task{t}
}

// remedyBindings are the keys for a failed task, and the one to try it again as it
// was. before is called first.
func remedyBindings(t Task, size int64, r Remedy, model string, before func(s *Session)) []binding {
	do := func(r Remedy) func(*Session) tea.Cmd {
		return func(s *Session) tea.Cmd {
			before(s)
			tasks := t.again(r, model)
			sizes := make([]int64, len(tasks))
			for i := range sizes {
				sizes[i] = -1
			}
			sizes[len(sizes)-1] = size
			if r == Get {
				return s.askPull(model, func(s *Session) tea.Cmd { return s.enqueue(tasks, sizes) })
			}
			return s.enqueue(tasks, sizes)
		}
	}
	var list []binding
	if p, ok := r.prescription(model); ok {
		list = append(list, bind(p.key, p.key, text.Clean(p.what), p.about, do(r)))
	}
	return append(list, bind("r", "r", "again", "try it once more", do("")))
}

// keysLine shows keys in w cells.
func keysLine(t *theme.Theme, list []binding, w int) string {
	var keys []key.Binding
	for _, b := range list {
		keys = append(keys, b.Binding)
	}
	h := newHelp(t)
	h.SetWidth(max(1, w-1))
	return " " + h.ShortHelpView(keys)
}

// wrapped writes a text of any length with a space before each line.
func wrapped(style theme.Style, s string, w int) []string {
	lines := text.Wrap(text.Clean(s), w-2)
	for i := range lines {
		lines[i] = " " + style.Render(lines[i])
	}
	return lines
}

// failed is whether a job ended without what it was for.
func (j *job) failed() bool { return j.snap.State == feed.Failed || j.snap.State == feed.Cancelled }
