package progress

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/theme"
)

func file(j *feed.Tracker, verb, output string) fileView {
	return fileView{Snapshot: j.Snapshot(), verb: verb, output: output}
}

func single(f float64) []fileView {
	c := demo.NewClock()
	return []fileView{file(demo.Tracker(c, demo.Models["gru"], "alice29.txt", 152089, f), "compress", "alice29.txt.llmz")}
}

// trained is a training that got as far as f.
func trained(f float64) fileView {
	c := demo.NewClock()
	j := feed.New("notes", -1, c.Now)
	demo.Train(c, f, j.Train)
	return file(j, "train", "notes.gguf")
}

// pulling is a download that was resumed, or the conversion after it.
func pulling(convert bool) fileView {
	c := demo.NewClock()
	j := feed.New("gpt2", -1, c.Now)
	j.Download("vocab.json", 0, 1_042_301)
	c.Add(time.Second)
	j.Download("vocab.json", 1_042_301, 1_042_301)
	for i := range int64(20) {
		j.Download("model.safetensors", 120_000_000+i*9_000_000, 548_105_171)
		c.Add(time.Second)
	}
	if convert {
		j.Convert(37, 148)
	}
	return file(j, "pull", "")
}

func several() []fileView {
	c := demo.NewClock()
	m := demo.Models["gru"]
	failed := demo.Tracker(c, m, "locked.bin", 80000, 0.1)
	failed.Finish(engine.Result{}, errors.New("open locked.bin: permission denied"))
	files := []fileView{
		file(demo.Tracker(c, m, "alice29.txt", 152089, 1), "compress", ""),
		file(failed, "compress", ""),
		file(demo.Tracker(c, m, "das große Wörterbuch der 日本語 und anderer Sprachen, Band drei.txt", 4100000, 0.4), "compress", ""),
	}
	for i := range 9 {
		files = append(files, file(feed.New(fmt.Sprintf("kapitel-%02d.txt", i+1), int64(20000*(i+1)), c.Now), "compress", ""))
	}
	return files
}

func TestGoldenScreens(t *testing.T) {
	paused := single(0.5)
	paused[0].State = feed.Paused
	verifying := single(1)
	check := demo.Tracker(demo.NewClock(), demo.Models["gru"], "alice29.txt", 152089, 0.3).Snapshot()
	verifying[0].State, verifying[0].Verify = feed.Running, &check
	training := []fileView{trained(0.43)}
	pausedTraining := []fileView{trained(0.1)}
	pausedTraining[0].State = feed.Paused
	unknown := single(0.5)
	unknown[0].Total, unknown[0].ETA = -1, -1
	screens := []struct {
		name    string
		files   []fileView
		details bool
	}{
		{"single", single(0.58), false},
		{"start", single(0), false},
		{"details", single(0.58), true},
		{"paused", paused, false},
		{"verifying", verifying, false},
		{"unknown", unknown, false},
		{"several", several(), false},
		{"training", training, false},
		{"training-start", []fileView{trained(0.01)}, false},
		{"training-paused", pausedTraining, true},
		{"pull", []fileView{pulling(false)}, false},
		{"pull-convert", []fileView{pulling(true)}, false},
	}
	sizes := []struct{ w, h int }{{40, 12}, {80, 24}, {140, 40}}
	themes := []struct {
		name string
		t    *theme.Theme
	}{{"colour", golden.Colour}, {"mono", golden.Mono}, {"ascii", golden.ASCII}}
	for _, s := range screens {
		for _, size := range sizes {
			for _, th := range themes {
				v := view{t: th.t, files: s.files, w: size.w, h: size.h, details: s.details, keys: true, beat: 1.2, memory: 91 << 20}
				lines := v.lines()
				golden.Within(t, lines, size.w, size.h)
				if th.name == "ascii" && size.w != 80 {
					continue
				}
				golden.Equal(t, fmt.Sprintf("%s-%dx%d-%s", s.name, size.w, size.h, th.name), lines)
			}
		}
	}
}

// over is a file that has ended.
func over(f fileView, err error) fileView {
	j := feed.New(f.Name, f.Total, nil)
	j.Finish(engine.Result{}, err)
	s := j.Snapshot()
	f.State, f.Err = s.State, s.Err
	return f
}

func TestGoldenSummaries(t *testing.T) {
	c := demo.NewClock()
	failed := demo.Tracker(c, demo.Models["gru"], "alice29.txt", 152089, 0.2)
	failed.Finish(engine.Result{}, errors.New("write alice29.txt.llmz: no space left on device"))
	stopped := demo.Tracker(c, demo.Models["gru"], "alice29.txt", 152089, 0.2)
	stopped.Finish(engine.Result{}, context.Canceled)
	for name, files := range map[string][]fileView{
		"done":    single(1),
		"failed":  {file(failed, "compress", "")},
		"stopped": {file(stopped, "compress", "")},
		"list":    several()[:2],
		"trained": {over(trained(1), nil)},
		"halted":  {over(trained(0.4), context.Canceled)},
		"pulled":  {over(pulling(true), nil)},
		"kept":    {over(pulling(false), context.Canceled)},
		"broken":  {over(pulling(false), errors.New("owner/repo/model.gguf: digest differs: what came is 9a3f, the hub names 77b1"))},
	} {
		for _, w := range []int{40, 80, 140} {
			lines := closing(golden.Colour, files, 0, w)
			golden.Within(t, lines, w, 20)
			golden.Equal(t, fmt.Sprintf("summary-%s-%d", name, w), lines)
		}
	}
}

// Whatever the size, nothing may be wider or higher than the screen.
func TestEverySizeFits(t *testing.T) {
	screens := [][]fileView{single(0), single(0.3), single(1), several(), {trained(0.5)}, {trained(1)}, {pulling(false)}, {pulling(true)}}
	for w := 1; w <= 200; w += 3 {
		for _, h := range []int{1, 2, 5, 9, 24} {
			for _, files := range screens {
				for _, details := range []bool{false, true} {
					v := view{t: golden.Mono, files: files, w: w, h: h, details: details, keys: true}
					golden.Within(t, v.lines(), w, h)
				}
				if w >= 30 {
					golden.Within(t, closing(golden.Mono, files, 0, w), w, 50)
				}
			}
		}
	}
}

func TestNamesCannotMoveTheCursor(t *testing.T) {
	files := single(0.4)
	files[0].Name = "evil\x1b[2J\x1b]0;title\x07\r\nname\u202e.txt"
	files[0].Warnings = []string{"bad \x1b[31m thing"}
	v := view{t: theme.Plain(theme.ASCII), files: files, w: 80, h: 24}
	for _, l := range v.lines() {
		for _, r := range l {
			if r < ' ' || r == 0x202e || r == 0x7f {
				t.Errorf("control character %q in %q", r, l)
			}
		}
	}
}

func TestPlainThemeHasNoEscapes(t *testing.T) {
	v := view{t: theme.Plain(theme.Braille), files: several(), w: 100, h: 30, keys: true}
	for _, l := range append(v.lines(), closing(v.t, v.files, 0, 100)...) {
		for _, r := range l {
			if r == 0x1b {
				t.Errorf("escape in %q", l)
			}
		}
	}
}

// What a redraw costs: there are at most ten a second.
func BenchmarkFrame(b *testing.B) {
	v := view{t: golden.Colour, files: single(0.58), w: 140, h: 40, details: true, keys: true}
	for b.Loop() {
		v.lines()
	}
}

func TestCurves(t *testing.T) {
	for _, c := range []struct {
		part  float64
		w, h  int
		drawn bool
	}{{0.05, 80, 20, false}, {0.5, 80, 20, true}, {1, 200, 60, true}, {0.5, 80, 7, false}, {0.5, 12, 20, false}} {
		s := single(c.part)[0].Snapshot
		lines := Curves(golden.Colour, &s, c.w, c.h)
		golden.Within(t, lines, c.w, c.h)
		if (lines != nil) != c.drawn {
			t.Errorf("%v of the file on %d × %d: %d lines", c.part, c.w, c.h, len(lines))
		}
	}
	s := single(0.5)[0].Snapshot
	s.Total = -1
	if Curves(golden.Mono, &s, 80, 20) != nil {
		t.Error("a part of an unknown whole was drawn")
	}
}
