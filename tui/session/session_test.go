package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/race"
	"github.com/llmz/llmz/tui/theme"
)

// fake is a backend without files and models.
type fake struct {
	clock *demo.Clock
	hold  chan struct{} // jobs wait for it, if it is set
	ran   chan Task
}

func (f *fake) backend() Backend {
	return Backend{
		Pull: true,
		TrainTarget: func(name string) TrainTarget {
			switch name {
			case "gru":
				return TrainTarget{Problem: "gru is part of the program: choose another name"}
			case "mine":
				return TrainTarget{Exists: true}
			case "half":
				return TrainTarget{Interrupted: true}
			}
			return TrainTarget{}
		},
		ReadDir: func(path string) ([]Entry, error) {
			if strings.HasSuffix(path, "secret") {
				return nil, errors.New("open secret: permission denied")
			}
			now := f.clock.Now()
			return []Entry{
				{"alice29.txt", false, 152089, now.Add(-time.Hour)},
				{"alice29.txt.llmz", false, 38231, now.Add(-time.Minute)},
				{"Das große Wörterbuch der 日本語 und aller anderen Sprachen.txt", false, 41 << 20, now.Add(-400 * time.Hour)},
				{"secret", true, 0, now},
				{"books", true, 0, now},
				{".hidden", false, 10, now},
			}, nil
		},
		Models: func(context.Context) ([]Model, error) {
			return []Model{
				{Name: "gru", About: "three GRU layers of 512", Where: Bundled, Kind: "GRU", Parameters: 4302208, Bytes: 4351232},
				{Name: "lstm", About: "one LSTM layer of 288", Where: Bundled, Kind: "LSTM", Parameters: 834304, Bytes: 850000},
				{Name: "gpt2", About: "GPT-2 of 124 M parameters", Where: Available, Kind: "GPT-2", Parameters: 124439808, Bytes: 137 << 20, Get: "llmz models pull gpt2"},
				{Name: "old", Where: Broken, Problem: "not a GGUF file"},
			}, nil
		},
		Run: func(ctx context.Context, t Task, j *feed.Tracker) (Outcome, error) {
			if t.Op == Train || t.Op == Pull {
				return f.makeModel(ctx, t, j)
			}
			m, size := demo.Models["gru"], int64(152089)
			if f.hold == nil {
				demo.Drive(demo.NewClock(), m, size, 1, j.Observe)
			} else {
				demo.Drive(demo.NewClock(), m, size, 0.5, j.Observe)
				select {
				case <-f.hold:
				case <-ctx.Done():
					return Outcome{}, ctx.Err()
				}
			}
			if f.ran != nil {
				f.ran <- t
			}
			if strings.Contains(t.Path, "große") {
				return Outcome{}, errors.New("write: no space left on device")
			}
			return Outcome{demo.Result(m, size), t.Path + ".llmz"}, nil
		},
		Estimate: func(_ context.Context, path string, x Settings) (Estimate, error) {
			e := Estimate{Model: x.Model, Original: 152089}
			switch {
			case strings.HasSuffix(path, "gone.txt"):
				return e, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			case x.Model == "gru":
				e.Bytes, e.Time = 38231, 4*time.Second
			case x.Model == "lstm":
				e.Bytes, e.Time, e.Exact = 41900, time.Second, true
			default:
				return e, errors.New("runtime is not installed")
			}
			return e, nil
		},
		Entrants: func(context.Context) ([]race.Entrant, error) {
			return []race.Entrant{{Name: "gru"}, {Name: "gpt2", Missing: "llmz models pull gpt2"}}, nil
		},
		Inspect: func(context.Context, string, string, engine.Observer) (*engine.Inspection, error) {
			return demo.Inspection([]byte("the quick brown fox\njumps over the lazy dog\n")), nil
		},
		Info: func(context.Context, string) ([]string, error) { return []string{"Model: gru", "Blocks: 1"}, nil },
	}
}

// makeModel trains or pulls, and ends half way if it is told to wait.
func (f *fake) makeModel(ctx context.Context, t Task, j *feed.Tracker) (Outcome, error) {
	part := 1.0
	if f.hold != nil {
		part = 0.4
	}
	if t.Op == Train {
		demo.Train(demo.NewClock(), part, j.Train)
	} else {
		j.Download("model.safetensors", 0, 1000)
		j.Download("model.safetensors", int64(1000*part), 1000)
	}
	if f.ran != nil {
		f.ran <- t
	}
	if f.hold != nil {
		<-ctx.Done()
		return Outcome{}, ctx.Err()
	}
	name := t.Train.Name
	if t.Op == Pull {
		name = t.Path
	}
	return Outcome{Output: "/models/" + name + ".gguf"}, nil
}

// at returns a session of that size, with everything read.
func at(t *testing.T, th *theme.Theme, w, h int) (*Session, *fake) {
	t.Helper()
	f := &fake{clock: demo.NewClock()}
	s := newSession(t.Context(), f.backend(), Options{Theme: th, Clock: f.clock.Now, Dir: "/books"})
	s.Update(tea.WindowSizeMsg{Width: w, Height: h})
	list, err := s.b.ReadDir("/books")
	s.Update(dirMsg{s.files.dir, list, err})
	models, _ := s.b.Models(nil)
	s.Update(modelsMsg{models, nil})
	s.Update(historyMsg{records(f.clock.Now()), nil})
	return s, f
}

func records(now time.Time) []Record {
	var out []Record
	for i, m := range []string{"gru", "lstm", "gpt2"} {
		out = append(out, Record{When: now.Add(-time.Duration(i+1) * time.Hour), Op: Compress, Path: "/books/alice29.txt", Model: m,
			Original: 152089, Compressed: int64(38231 + 3000*i), Seconds: float64(i + 3)})
	}
	return append(out, Record{When: now.Add(-50 * time.Hour), Op: Test, Path: "/books/broken.llmz", Error: "block 0 at offset 64: checksum mismatch"})
}

// keys types keys, and runs the commands that answer at once.
func keys(s *Session, names ...string) {
	for _, n := range names {
		_, cmd := s.Update(press1(n))
		settle(s, cmd, 0)
	}
}

func press1(n string) tea.KeyPressMsg {
	codes := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
		"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "space": {Code: tea.KeySpace, Text: " "}, "tab": {Code: tea.KeyTab},
		"ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "backspace": {Code: tea.KeyBackspace},
	}
	if k, ok := codes[n]; ok {
		return k
	}
	return tea.KeyPressMsg{Code: rune(n[0]), Text: n}
}

// settle runs a command and what comes of it, but for ticks.
func settle(s *Session, cmd tea.Cmd, depth int) {
	if cmd == nil || depth > 8 {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			settle(s, c, depth+1)
		}
	case nil, frameMsg, tea.QuitMsg:
	default:
		_, next := s.Update(msg)
		settle(s, next, depth+1)
	}
}

func click(s *Session, x, y int) {
	_, cmd := s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
	settle(s, cmd, 0)
}

// clickOn clicks on the first place on the screen with that text.
func clickOn(t *testing.T, s *Session, what string) {
	t.Helper()
	for y, l := range strings.Split(shown(s), "\n") {
		if at := strings.Index(l, what); at >= 0 {
			click(s, ansi.StringWidth(l[:at]), y)
			return
		}
	}
	t.Fatalf("no %q on\n%s", what, shown(s))
}

func TestMouse(t *testing.T) {
	s, _ := at(t, golden.Mono, 100, 30)
	for tab, name := range []string{"1 Files", "2 Models", "3 Jobs", "4 History"} {
		if clickOn(t, s, name); s.tab != tab {
			t.Errorf("a click on %s shows %s", name, tabNames[s.tab])
		}
	}
	clickOn(t, s, "1 Files")
	clickOn(t, s, "alice29.txt ")
	if e, _ := s.files.current(); e.Name != "alice29.txt" {
		t.Errorf("the cursor is on %s", e.Name)
	}
	s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if s.files.cursor != 0 {
		t.Errorf("the wheel left the cursor on line %d", s.files.cursor)
	}

	keys(s, "o")
	clickOn(t, s, "mixing")
	clickOn(t, s, "mixing")
	if !s.settings.NoMix {
		t.Error("clicks did not turn an option")
	}
	s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if at := s.dialog.(*options).list.cursor; at != 1 {
		t.Errorf("the wheel went to option %d", at)
	}
	click(s, 0, 0)
	if s.dialog != nil {
		t.Fatal("a click beside the box does not close it")
	}

	clickOn(t, s, "alice29.txt ")
	keys(s, "r")
	clickOn(t, s, "gpt2")
	if c := s.dialog.(*checklist); !c.items[1].on {
		t.Error("a click did not mark an entrant")
	}
	clickOn(t, s, "Who races")
	if s.dialog == nil {
		t.Fatal("a click on the frame closed the box")
	}
	keys(s, "esc", "T")
	clickOn(t, s, "train for")
	clickOn(t, s, "train for")
	if got := s.dialog.(*trainForm).plan().Minutes; got != 20 {
		t.Errorf("%v minutes of training", got)
	}
	clickOn(t, s, "learn from")
	clickOn(t, s, "call it")
	clickOn(t, s, "call it")
	if got := s.dialog.(*trainForm).list.cursor; got != rowName {
		t.Errorf("on line %d", got)
	}
	keys(s, "esc", "?")
	clickOn(t, s, "Here")
	if s.dialog != nil {
		t.Error("a click did not close the help")
	}

	yes := 0
	ask := func() {
		s.dialog = &confirm{question: "Stop and quit?", yes: func(*Session) tea.Cmd { yes++; return nil }}
	}
	ask()
	clickOn(t, s, "Stop and quit")
	if s.dialog == nil || yes != 0 {
		t.Error("a click on the question answered it")
	}
	clickOn(t, s, "n no")
	if s.dialog != nil || yes != 0 {
		t.Error("a click on no did not close the question")
	}
	ask()
	clickOn(t, s, "y yes")
	if s.dialog != nil || yes != 1 {
		t.Error("a click on yes did nothing")
	}
}

// Models that are here are tried on the picked file when they are looked at first;
// the figures stand on all screens.
func TestModelsAreTried(t *testing.T) {
	s, _ := at(t, golden.Mono, 110, 30)
	s.history.all = nil
	keys(s, "2")
	if len(s.estimates.left) != 0 || s.estimates.path != "" {
		t.Fatalf("still judging %s", s.estimates.path)
	}
	out := shown(s)
	for _, want := range []string{"~38.0 kB/s  ~3.98x   ~2.01", "  152 kB/s   3.63x    2.20", "speed and ratio: samples of alice29.txt"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	keys(s, "1")
	for strings.Contains(s.files.shown[s.files.cursor].Name, "alice29.txt") == false {
		keys(s, "down")
	}
	if out := shown(s); !strings.Contains(out, "~4.00 s") || !strings.Contains(out, "~38.2 kB") {
		t.Errorf("the file's panel does not tell of the estimate:\n%s", out)
	}
	// Other settings need other estimates.
	s.settings.NoMix = true
	if out := shown(s); strings.Contains(out, "~38.2 kB") {
		t.Errorf("an estimate with the mixer for a job without:\n%s", out)
	}
}

func TestEstimates(t *testing.T) {
	s, f := at(t, golden.Mono, 100, 30)
	s.history.all = s.history.all[:1] // what gru made of it
	for s.files.shown[s.files.cursor].Name != "alice29.txt" {
		keys(s, "down")
	}
	keys(s, "e")
	out := shown(s)
	for _, want := range []string{"Estimates for alice29.txt", "41.9 kB  2.20 BPC", "~ by samples"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "~38.2 kB") || !strings.Contains(out, "38.2 kB  2.01 BPC   3.00 s ✓") {
		t.Errorf("what was measured shows as a guess:\n%s", out)
	}
	keys(s, "x")
	if s.dialog != nil {
		t.Fatal("the page stays")
	}
	// A file that is gone ends it with a word.
	s.judge("/books/gone.txt", s.here(false))
	_, cmd := s.Update(s.judgeNext()())
	settle(s, cmd, 0)
	if !s.notice.bad || s.estimates.path != "" {
		t.Errorf("a file that is gone: %+v, judging %q", s.notice, s.estimates.path)
	}
	// Work comes first: what is judged then is dropped, and a late answer, too.
	f.hold = make(chan struct{})
	late := s.judge("/books/other.txt", s.here(false))
	s.enqueue([]Task{{Op: Compress, Path: "/books/alice29.txt"}}, []int64{152089})
	if s.estimates.path != "" {
		t.Error("it goes on judging beside the work")
	}
	s.Update(late())
	if len(s.estimates.known["/books/other.txt"]) > 0 {
		t.Error("a late answer was taken")
	}
}

func shown(s *Session) string { return ansi.Strip(strings.Join(s.lines(), "\n")) }

func TestGoldenScreens(t *testing.T) {
	for _, size := range golden.Sizes {
		for _, th := range []struct {
			name string
			t    *theme.Theme
		}{{"colour", golden.Colour}, {"light", golden.Light}, {"mono", golden.Mono}} {
			for _, c := range []struct {
				name string
				do   func(s *Session)
			}{
				{"files", func(s *Session) { keys(s, "down", "down", "space") }},
				{"models", func(s *Session) { keys(s, "2", "down", "down") }},
				{"history", func(s *Session) { keys(s, "4", "s", "s", "s", "s") }},
				{"whatif", func(s *Session) { keys(s, "4", "w") }},
				{"jobs", func(s *Session) {
					f := demo.Tracker(demo.NewClock(), demo.Models["gru"], "alice29.txt", 152089, 0.6)
					for i, name := range []string{"lcet10.txt", "alice29.txt", "plrabn12.txt"} {
						s.queue.add(Task{Op: Compress, Path: "/books/" + name, Settings: s.settings}, 152089)
						s.queue.jobs[i].snap = f.Snapshot()
					}
					s.queue.jobs[0].snap = demo.Tracker(demo.NewClock(), demo.Models["gru"], "lcet10.txt", 426754, 1).Snapshot()
					s.queue.jobs[2].snap.State = feed.Waiting
					keys(s, "3", "down")
				}},
				{"options", func(s *Session) { keys(s, "o", "down", "right") }},
				{"help", func(s *Session) { keys(s, "?") }},
				{"race", func(s *Session) { keys(s, "down", "down", "r") }},
				{"filter", func(s *Session) { keys(s, "/", "a", "l", "i") }},
			} {
				s, _ := at(t, th.t, size[0], size[1])
				c.do(s)
				lines := s.lines()
				golden.Within(t, lines, size[0], size[1])
				if len(lines) != size[1] {
					t.Errorf("%s: %d lines on a screen of %d", c.name, len(lines), size[1])
				}
				if th.name == "colour" && size[0] != 80 {
					continue
				}
				golden.Equal(t, fmt.Sprintf("%s-%dx%d-%s", c.name, size[0], size[1], th.name), lines)
			}
		}
	}
}

func TestEverySizeFits(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	s.enqueue([]Task{{Op: Compress, Path: "/books/alice29.txt"}}, []int64{100})
	for w := 1; w < 180; w += 11 {
		for h := 1; h < 45; h += 4 {
			s.Update(tea.WindowSizeMsg{Width: w, Height: h})
			for tab := range numTabs {
				s.tab = tab
				s.layout()
				for _, open := range []func(){func() { s.dialog = nil }, func() { s.openHelp() }, func() { s.openOptions() }} {
					open()
					golden.Within(t, s.lines(), w, h)
				}
				s.dialog = nil
			}
		}
	}
}

func TestCompressFromThePicker(t *testing.T) {
	s, f := at(t, golden.Mono, 80, 24)
	f.ran = make(chan Task, 4)
	keys(s, "down", "down", "space", "down", "space", "c")
	// Both run one after the other: the second fails.
	if got := []string{filepath.Base((<-f.ran).Path), filepath.Base((<-f.ran).Path)}; got[0] == got[1] {
		t.Errorf("ran %v", got)
	}
	if s.tab != tabJobs || len(s.queue.jobs) != 2 {
		t.Fatalf("tab %d, %d jobs", s.tab, len(s.queue.jobs))
	}
	done, failed := 0, 0
	for _, j := range s.queue.jobs {
		switch j.snap.State {
		case feed.Done:
			done++
		case feed.Failed:
			failed++
		}
	}
	if done != 1 || failed != 1 {
		t.Errorf("%d done, %d failed", done, failed)
	}
	if len(s.history.all) != 6 {
		t.Errorf("%d records", len(s.history.all))
	}
	if !strings.Contains(shown(s), "no space left") {
		t.Errorf("the failure is not told:\n%s", shown(s))
	}
	keys(s, "c")
	if len(s.queue.jobs) != 0 {
		t.Error("c does not clear the list")
	}
}

func TestPickerKeys(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	keys(s, "/", "w", "ö", "enter")
	if len(s.files.shown) != 1 {
		t.Errorf("the filter shows %v", s.files.shown)
	}
	keys(s, "esc", ".")
	if len(s.files.shown) != 6 {
		t.Errorf("%d entries with the hidden one", len(s.files.shown))
	}
	keys(s, "s")
	if e := s.files.shown[2]; !strings.HasPrefix(e.Name, "Das") {
		t.Errorf("by size, %s comes first", e.Name)
	}
	keys(s, "a")
	if len(s.files.marked) != 4 {
		t.Errorf("a marks %d", len(s.files.marked))
	}
	keys(s, "esc")
	if len(s.files.marked) != 0 {
		t.Error("esc does not drop the marks")
	}
	keys(s, "g", "down", "enter")
	if !strings.Contains(shown(s), "permission denied") {
		t.Errorf("no word about the directory that cannot be read:\n%s", shown(s))
	}
	keys(s, "g", "enter")
	if filepath.Base(s.files.dir) != "books" || filepath.Base(filepath.Dir(s.files.dir)) != "books" {
		t.Errorf("enter leads to %s", s.files.dir)
	}
	keys(s, "left")
	if e, _ := s.files.current(); e.Name != "books" {
		t.Errorf("after going up the cursor is on %q", e.Name)
	}
}

func TestOptionsAndModels(t *testing.T) {
	s, _ := at(t, golden.Mono, 100, 30)
	keys(s, "o", "right", "down", "right", "down", "down", "down", "right", "enter")
	if s.settings.Model != "lstm" || s.settings.BlockSize != 1<<20 || !s.settings.NoMix {
		t.Errorf("%+v", s.settings)
	}
	if !strings.Contains(shown(s), "no mixing") {
		t.Error("the footer does not tell the options")
	}
	keys(s, "2", "g", "enter")
	if s.settings.Model != "gru" {
		t.Errorf("model %q", s.settings.Model)
	}
	keys(s, "down", "down", "enter")
	if s.settings.Model != "gru" || !strings.Contains(shown(s), "models pull gpt2") {
		t.Errorf("a model that is not here: %q\n%s", s.settings.Model, shown(s))
	}
}

func TestRaceAndInspectOpenAndClose(t *testing.T) {
	s, _ := at(t, golden.Mono, 80, 24)
	keys(s, "down", "down", "i")
	if s.full == nil || !strings.Contains(shown(s), "llmz inspect") {
		t.Fatalf("no heat-map:\n%s", shown(s))
	}
	keys(s, "q")
	if s.full != nil {
		t.Error("q does not close the heat-map")
	}
	keys(s, "down", "i")
	if s.dialog == nil || !strings.Contains(shown(s), "Blocks: 1") {
		t.Errorf("no facts about the archive:\n%s", shown(s))
	}
	keys(s, "esc", "up", "r")
	if !strings.Contains(shown(s), "models pull gpt2") {
		t.Errorf("no list of entrants:\n%s", shown(s))
	}
	keys(s, "esc")
	if s.dialog != nil || s.full != nil {
		t.Error("esc does not leave")
	}
}

func TestPastedPath(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "with space.txt")
	if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, _ := at(t, golden.Mono, 80, 24)
	s.b.ReadDir = readDir
	_, cmd := s.Update(tea.PasteMsg{Content: "'" + name + "'\n"})
	settle(s, cmd, 0)
	if e, ok := s.files.current(); !ok || e.Name != "with space.txt" {
		t.Errorf("the cursor is on %+v in %s", e, s.files.dir)
	}
}

func TestExpandPath(t *testing.T) {
	base := filepath.Join(string(filepath.Separator), "base")
	for in, want := range map[string]string{
		"x": filepath.Join(base, "x"), `"a b"`: filepath.Join(base, "a b"), "'c'": filepath.Join(base, "c"), " d \n": filepath.Join(base, "d"),
	} {
		if got := expandPath(in, base); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestHistoryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "history.jsonl")
	if list, err := loadHistory(path); err != nil || list != nil {
		t.Errorf("no file: %v, %v", list, err)
	}
	want := records(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	for _, r := range want {
		if err := saveRecord(path, r); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "{\"op\":\"comp")
	f.Close()
	got, err := loadHistory(path)
	if err != nil || len(got) != len(want) || got[3] != want[3] {
		t.Errorf("%v: %+v", err, got)
	}
	// Of a history of any length the last ones are read.
	long := bytes.Repeat([]byte("{\"op\":\"test\",\"path\":\"old\"}\n"), 5*maxRecords)
	long = append(long, bytes.Repeat([]byte("{\"op\":\"test\",\"path\":\"new\"}\n"), maxRecords)...)
	many := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(many, long, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := loadHistory(many); err != nil || len(list) != maxRecords || list[0].Path != "new" || cap(list) > 4*maxRecords {
		t.Errorf("%d records of a long history, room for %d, %v", len(list), cap(list), err)
	}
	for c := range numColumns {
		sortRecords(got, c, false)
		sortRecords(got, c, true)
	}
	sortRecords(got, byRatio, false)
	if got[0].Model != "gru" {
		t.Errorf("best ratio first: %+v", got[0])
	}
}

// A whole session: start, resize, run a job, pause it, stop it, quit.
func TestFlow(t *testing.T) {
	f := &fake{clock: demo.NewClock(), hold: make(chan struct{})}
	s := newSession(t.Context(), f.backend(), Options{Theme: golden.Mono, Clock: time.Now, Dir: "/books"})
	tm := teatest.NewTestModel(t, s, teatest.WithInitialTermSize(80, 24))
	saw := golden.Watch(t, tm)
	saw("alice29.txt")
	tm.Send(tea.WindowSizeMsg{Width: 20, Height: 5})
	tm.Send(tea.WindowSizeMsg{Width: 100, Height: 30})
	for range 2 {
		tm.Send(press1("down"))
	}
	tm.Type("c")
	saw("model_infer")
	tm.Type("p")
	saw("paused")
	tm.Type("p")
	tm.Type("q")
	saw("Stop and quit?")
	tm.Type("y")
	tm.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
	if j := s.queue.jobs[0]; j.snap.State != feed.Cancelled {
		t.Errorf("the job ended as %v", j.snap.State)
	}
}

func TestCancelledContextQuits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{clock: demo.NewClock()}
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, f.backend(), Options{Theme: golden.Mono, Out: io.Discard, In: &bytes.Buffer{}, Environ: []string{"TERM=xterm"}, Dir: "/books"})
	}()
	time.Sleep(50 * time.Millisecond)
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the session does not end")
	}
}
