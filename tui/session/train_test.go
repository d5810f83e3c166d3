package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/golden"
)

func TestTrainFromThePicker(t *testing.T) {
	s, f := at(t, golden.Mono, 80, 24)
	f.ran = make(chan Task, 1)
	keys(s, "down", "down", "space", "down", "space", "T")
	if _, ok := s.dialog.(*trainForm); !ok {
		t.Fatalf("T opens no form:\n%s", shown(s))
	}
	for i, arch := range []string{"lstm", "gru", "gpt"} {
		if p := s.dialog.(*trainForm).plan(); p.Arch != arch || p.Init != "" {
			t.Errorf("choice %d begins with %+v:\n%s", i, p, shown(s))
		}
		keys(s, "right")
	}
	keys(s, "down", "left", "down")
	for range 40 {
		keys(s, "backspace")
	}
	keys(s, "m", "y", "enter")
	task := <-f.ran
	if p := task.Train; p.Name != "my" || p.Init != "gru" || p.Arch != "" || p.Minutes != 5 || p.Resume || len(task.More) != 1 {
		t.Errorf("%+v with %v", p, task.More)
	}
	if !strings.Contains(shown(s), "u uses it for the next jobs") {
		t.Errorf("no word about using it:\n%s", shown(s))
	}
	keys(s, "u")
	if s.settings.Model != "my" {
		t.Errorf("the next jobs use %q", s.settings.Model)
	}
	if r := s.history.all[0]; r.Op != Train || r.Model != "my" || r.BPC() != 0 {
		t.Errorf("the history keeps %+v", r)
	}
}

func TestTrainFormJudgesTheName(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	named := func(name string) {
		t.Helper()
		s.dialog = nil
		keys(s, "down", "down", "T", "down", "down")
		for range 40 {
			keys(s, "backspace")
		}
		for _, r := range name {
			keys(s, string(r))
		}
	}
	named("gru")
	if !strings.Contains(shown(s), "part of the program") {
		t.Errorf("a bundled model's name is taken:\n%s", shown(s))
	}
	keys(s, "enter")
	if len(s.queue.jobs) != 0 {
		t.Error("and even trained")
	}
	named("mine")
	keys(s, "enter")
	if !strings.Contains(shown(s), "Replace it?") {
		t.Errorf("a model is replaced without asking:\n%s", shown(s))
	}
	keys(s, "n")
	named("half")
	if !strings.Contains(shown(s), "go on from it") {
		t.Errorf("no word about the interrupted training:\n%s", shown(s))
	}
	keys(s, "down", "enter")
	if len(s.queue.jobs) != 1 || !s.queue.jobs[0].task.Train.Resume {
		t.Error("it does not go on from the checkpoint")
	}
}

func TestSuggestedNames(t *testing.T) {
	for in, want := range map[string]string{"/a/Notes.txt": "notes", "Das große Buch.md": "das-gro-e-buch", ".bashrc": "bashrc", "x.tar.gz": "x-tar", strings.Repeat("long", 20): strings.Repeat("long", 6)} {
		if got := suggestedName(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestGoldenModelMaking(t *testing.T) {
	tasks := map[string]Task{
		"train": {Op: Train, Path: "/books/notes", Train: TrainPlan{Name: "notes", Arch: "lstm", Minutes: 10}},
		"pull":  {Op: Pull, Path: "gpt2"},
	}
	for name, task := range tasks {
		for _, size := range golden.Sizes {
			s, f := at(t, golden.Mono, size[0], size[1])
			f.hold, f.ran = make(chan struct{}), make(chan Task, 1)
			batch := s.enqueue([]Task{task}, []int64{-1})().(tea.BatchMsg)
			ended := make(chan tea.Msg, 1)
			go func() { ended <- batch[0]() }()
			<-f.ran
			// The speeds depend on the clock, which stands still here.
			s.queue.look()
			s.layout()
			lines := s.lines()
			golden.Within(t, lines, size[0], size[1])
			golden.Equal(t, fmt.Sprintf("%s-%dx%d-mono", name, size[0], size[1]), lines)

			keys(s, "p")
			if j := s.queue.jobs[0]; j.snap.State != feed.Paused || !j.feed.Gate().Closed() {
				t.Errorf("%s: p leaves it %v", name, j.snap.State)
			}
			keys(s, "x")
			s.Update(<-ended)
			if j := s.queue.jobs[0]; j.snap.State != feed.Cancelled {
				t.Errorf("%s: x leaves it %v", name, j.snap.State)
			}
			s.queue.clear()
			if name == "train" {
				s.tab = tabFiles
				keys(s, "down", "down", "T")
				golden.Equal(t, fmt.Sprintf("train-form-%dx%d-mono", size[0], size[1]), s.lines())
				keys(s, "right", "right")
				golden.Equal(t, fmt.Sprintf("train-gpt-%dx%d-mono", size[0], size[1]), s.lines())
			}
		}
	}
}

// Whatever the program brings is offered to be adapted, and of the others what surely can be.
func TestTrainFormOffersModels(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	s.models.all = []Model{{Name: "gru", Where: Bundled, Kind: "GRU"}, {Name: "gpt", Where: Bundled, Kind: "llama"},
		{Name: "mine", Where: Installed, Kind: "LSTM"}, {Name: "big", Where: Installed, Kind: "qwen2"},
		{Name: "far", Where: Available, Kind: "GRU"}, {Name: "bad", Where: Broken, Kind: "GRU"},
		{Name: "none", Kind: "mixer"}}
	var names []string
	for _, p := range newTrainForm(s, []string{"text"}, nil).plans {
		if p.Init != "" {
			names = append(names, p.Init)
		}
	}
	if want := []string{"gru", "gpt", "mine"}; !slices.Equal(names, want) {
		t.Errorf("offers %q, not %q", names, want)
	}
}
