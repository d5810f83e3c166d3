package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/golden"
)

const longName = "a name that is far longer than a column of the list of jobs at eighty columns would ever be.txt"

// reasonOf is a failure's text, with paths as long as they come.
var reasonOf = "/home/user/a directory of a long name/" + longName + ".llmz: the output exists already and was not touched, for it differs from what would have been written in its last three words"

// unwrapped is what a screen says, without frames and line ends.
func unwrapped(s *Session) string {
	return strings.Join(strings.Fields(shown(s)), " ")
}

// squeezed leaves all spaces out: a wrapped path breaks inside words.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// failing returns a session whose jobs fail with err until a task is run in another
// way, and the tasks that were run.
func failing(t *testing.T, w, h int, err error) (*Session, *[]Task) {
	s, _ := at(t, golden.Mono, w, h)
	var ran []Task
	s.queue.run = func(_ context.Context, task Task, j *feed.Tracker) (Outcome, error) {
		ran = append(ran, task)
		if task.Op == Pull || task.Force || task.Salvage || task.After != "" {
			return Outcome{Output: "/models/x"}, nil
		}
		return Outcome{}, err
	}
	return s, &ran
}

// The reason of a failure is never cut: neither in the jobs, nor in the history, nor
// in the notice.
func TestReasonsAreWhole(t *testing.T) {
	for _, size := range [][2]int{{60, 24}, {80, 24}, {140, 40}} {
		s, _ := failing(t, size[0], size[1], errors.New(reasonOf))
		settle(s, s.enqueue([]Task{{Op: Compress, Path: "/books/" + longName}}, []int64{100}), 0)
		for _, tab := range []string{"3", "4"} {
			keys(s, tab)
			golden.Within(t, s.lines(), size[0], size[1])
			if out := squeezed(shown(s)); !strings.Contains(out, squeezed(reasonOf)) {
				t.Errorf("%d columns, tab %s: the reason is not whole:\n%s", size[0], tab, shown(s))
			}
		}
	}
	// In the notice, which every screen has.
	s, _ := at(t, golden.Mono, 80, 24)
	s.complain(errors.New(reasonOf))
	golden.Within(t, s.lines(), 80, 24)
	if out := squeezed(shown(s)); !strings.Contains(out, squeezed(reasonOf)) {
		t.Errorf("the notice is not whole:\n%s", shown(s))
	}
	keys(s, "down")
	if strings.Contains(shown(s), "last three words") || len(s.noticeLines()) != 1 {
		t.Error("the notice stays")
	}
	// A directory that cannot be read, and a broken model.
	s.Update(dirMsg{s.files.dir, nil, errors.New(reasonOf)})
	keys(s, "down")
	if out := squeezed(shown(s)); !strings.Contains(out, squeezed(reasonOf)) {
		t.Errorf("why the directory cannot be read is not whole:\n%s", shown(s))
	}
	s.Update(modelsMsg{[]Model{{Name: "old", Where: Broken, Problem: reasonOf}}, nil})
	keys(s, "2")
	if out := squeezed(shown(s)); !strings.Contains(out, squeezed(reasonOf)) {
		t.Errorf("why the model is broken is not whole:\n%s", shown(s))
	}
	// Estimates.
	s.estimates.known = map[string][]Estimate{"/books/a": {{Model: "gru", Err: errors.New(reasonOf)}}}
	s.estimates.base = s.settings.base()
	if out := squeezed(strings.Join(s.comparison("/books/a", 1, 70), "\n")); !strings.Contains(out, squeezed(reasonOf)) {
		t.Errorf("why there is no estimate is not whole: %s", out)
	}
}

// What can be done about a failure is a key, in the jobs and in the history; no flag
// of the command line is named.
func TestRemedies(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		op     Op
		key    string
		inHist string
		what   string
		want   func([]Task) bool
	}{
		{"an output that exists", &Failure{Err: errors.New("x.llmz exists already"), Remedy: Overwrite}, Compress, "o", "o", "o overwrite",
			func(ran []Task) bool {
				return len(ran) == 1 && ran[0].Force && ran[0].Op == Compress && ran[0].Model == "gru"
			}},
		{"a damaged archive", &Failure{Err: errors.New("block 1: checksum mismatch"), Remedy: Salvage}, Test, "s", "a", " salvage",
			func(ran []Task) bool { return len(ran) == 1 && ran[0].Salvage && ran[0].Op == Decompress }},
		{"a missing model", &Failure{Err: errors.New("gpt2 is not here"), Remedy: Get, Model: "gpt2"}, Decompress, "p", "p", "p pull gpt2",
			func(ran []Task) bool {
				return len(ran) == 2 && ran[0].Op == Pull && ran[0].Path == "gpt2" && ran[1].Op == Decompress
			}},
		{"anything else", errors.New("write: input/output error"), Compress, "r", "r", "r again",
			func(ran []Task) bool { return len(ran) == 1 && !ran[0].Force && !ran[0].Salvage }},
	} {
		for _, tab := range []string{"3", "4"} {
			s, ran := failing(t, 80, 24, fmt.Errorf("compress: %w", c.err))
			settle(s, s.enqueue([]Task{{Op: c.op, Path: "/books/x", Settings: s.settings}}, []int64{100}), 0)
			keys(s, tab)
			out := shown(s)
			if !strings.Contains(out, c.what) || !strings.Contains(out, "r again") {
				t.Errorf("%s, tab %s: no word of %q:\n%s", c.name, tab, c.what, out)
			}
			key := c.key
			if tab == "4" {
				key = c.inHist
			}
			*ran = nil
			keys(s, key)
			if !c.want(*ran) {
				t.Errorf("%s, tab %s: %s ran %+v", c.name, tab, key, *ran)
			}
			if jobs := len(s.queue.jobs); tab == "3" && c.key != "p" && jobs != 1 {
				t.Errorf("%s: %d jobs, the failed one was not replaced", c.name, jobs)
			}
		}
	}
}

// Where a key means something else for a failure, the help says so, and only so.
func TestKeysAreNotNamedTwice(t *testing.T) {
	s, _ := failing(t, 140, 40, &Failure{Err: errors.New("x exists"), Remedy: Overwrite})
	settle(s, s.enqueue([]Task{{Op: Compress, Path: "/books/x"}}, []int64{100}), 0)
	keys(s, "3")
	if out := shown(s); strings.Contains(out, "o options") || !strings.Contains(out, "o overwrite") {
		t.Errorf("two meanings of o:\n%s", out)
	}
	for tab := range numTabs {
		s.tab = tab
		seen := map[string]string{}
		for _, b := range append(s.bindings(), s.global()...) {
			for _, k := range b.Keys() {
				// The first one counts; a second must be hidden from the help.
				if first, ok := seen[k]; ok && b.Help().Desc != "" && first != "" && tab != tabJobs {
					t.Errorf("tab %d: %s is %q and %q", tab, k, first, b.Help().Desc)
				}
				seen[k] = b.Help().Desc
			}
		}
	}
}

// A file that is gone, as the real file system says it.
func TestFailureUnwraps(t *testing.T) {
	err := error(&Failure{Err: fmt.Errorf("a: %w", fs.ErrNotExist)})
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "a: file does not exist" {
		t.Errorf("%v", err)
	}
	if r, m := cure(errors.New("x")); r != "" || m != "" {
		t.Errorf("a remedy for nothing: %s %s", r, m)
	}
}

// Downloads run beside the work, the work one after the other, and what needs a model
// waits for its download.
func TestDownloadsRunBesideJobs(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	s.enqueue([]Task{{Op: Train, Path: "/books", Train: TrainPlan{Name: "mine"}}, {Op: Compress, Path: "/books/a"},
		{Op: Pull, Path: "gpt2"}, {Op: Pull, Path: "distilgpt2"}}, []int64{-1, 100, 1, 1})
	state := func() (list []feed.State) {
		for _, j := range s.queue.jobs {
			list = append(list, j.snap.State)
		}
		return list
	}
	if got := fmt.Sprint(state()); got != fmt.Sprint([]feed.State{feed.Running, feed.Waiting, feed.Running, feed.Waiting}) {
		t.Fatalf("at first %v", state())
	}
	end := func(i int) {
		j := s.queue.jobs[i]
		j.feed.Finish(Outcome{}.Result, nil)
		s.Update(endMsg{id: j.id})
	}
	end(2)
	if got := state(); got[3] != feed.Running || got[1] != feed.Waiting {
		t.Errorf("after a download: %v", got)
	}
	end(0)
	if got := state(); got[1] != feed.Running {
		t.Errorf("after the training: %v", got)
	}
	// A job that needs a model waits for it.
	s, _ = at(t, golden.Mono, 80, 24)
	s.enqueue([]Task{{Op: Pull, Path: "gpt2"}, {Op: Compress, Path: "/books/a", Settings: Settings{Model: "gpt2"}}, {Op: Test, Path: "/books/b.llmz"}}, []int64{1, 1, 1})
	if got := state(); got[1] != feed.Waiting || got[2] != feed.Running {
		t.Errorf("a model is on its way: %v", got)
	}
}

// A large download is asked about, with its size and the space there is; one that does
// not fit is not begun.
func TestLargeDownloadsAreAskedAbout(t *testing.T) {
	list := []Model{{Name: "gpt2-xl", Where: Available, Bytes: 6_430e6, Get: "llmz models pull gpt2-xl"}, {Name: "distilgpt2", Where: Available, Bytes: 200e6}}
	for _, c := range []struct {
		name  string
		free  int64
		err   error
		wants []string
	}{
		{"room", 50e9, nil, []string{"Pull gpt2-xl, 6.43 GB?", "50.0 GB are free in /data/models", "y yes"}},
		{"no room", 2e9, nil, []string{"Not enough space", "2.00 GB are free", "Make room"}},
		{"unknown", 0, errors.New("not on this system"), []string{"Pull gpt2-xl, 6.43 GB?", "y yes"}},
	} {
		s, f := at(t, golden.Mono, 80, 24)
		f.ran = make(chan Task, 2)
		s.b.Space = func() (int64, string, error) { return c.free, "/data/models", c.err }
		s.Update(modelsMsg{list, nil})
		keys(s, "2", "up", "p")
		for _, want := range c.wants {
			if !strings.Contains(unwrapped(s), want) {
				t.Errorf("%s: no %q:\n%s", c.name, want, shown(s))
			}
		}
		keys(s, "n")
		if len(s.queue.jobs) != 0 {
			t.Errorf("%s: it began without a yes", c.name)
		}
		if c.name == "no room" {
			continue
		}
		keys(s, "2", "p", "y")
		if len(s.queue.jobs) != 1 || (<-f.ran).Path != "gpt2-xl" {
			t.Errorf("%s: it did not begin", c.name)
		}
	}
	s, f := at(t, golden.Mono, 80, 24)
	f.ran = make(chan Task, 2)
	s.Update(modelsMsg{list, nil})
	keys(s, "2", "down", "p")
	if s.dialog != nil || len(s.queue.jobs) != 1 {
		t.Error("a small download is asked about")
	}
}

// A scale ends at both ends: a step too far does not turn a minute into hours.
func TestScalesEnd(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	keys(s, "down", "down", "T", "down")
	f := s.dialog.(*trainForm)
	for range 30 {
		keys(s, "left")
	}
	if got := f.plan().Minutes; got != trainMinutes[0] {
		t.Errorf("30 times left from 10 minutes is %v", got)
	}
	for range 30 {
		keys(s, "right")
	}
	if got := f.plan().Minutes; got != trainMinutes[len(trainMinutes)-1] {
		t.Errorf("30 times right is %v", got)
	}
	clickOn(t, s, "<")
	if got := f.plan().Minutes; got != trainMinutes[len(trainMinutes)-2] {
		t.Errorf("a click on the left arrow gives %v", got)
	}
	keys(s, "esc", "o", "down", "left")
	if s.settings.BlockSize != 0 {
		t.Errorf("left of the usual block size is %d", s.settings.BlockSize)
	}
	keys(s, "down", "down", "down", "right", "right")
	if s.settings.NoMix {
		t.Error("two steps of a switch are not where it was")
	}
}

// A corpus that is too small is remarked on before it is trained on.
func TestLittleTextIsRemarked(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	for name, warn := range map[string]bool{"large.txt": false, "tiny.txt": true} {
		size := map[string]int64{"large.txt": 4 << 20, "tiny.txt": 6000}[name]
		s.dialog = newTrainForm(s, []string{"/books/" + name}, []Entry{{Name: name, Size: size}})
		if got := strings.Contains(unwrapped(s), "very little"); got != warn {
			t.Errorf("%s: remarked %v:\n%s", name, got, shown(s))
		}
		golden.Within(t, s.lines(), 80, 24)
	}
}
