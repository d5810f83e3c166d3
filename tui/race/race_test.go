package race

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/theme"
)

const size = 152089

// lanes returns a race in which each entrant got as far as its own part.
func lanes(parts map[string]float64, back map[string]float64) []laneView {
	var out []laneView
	for i, name := range []string{"gru", "lstm", "distilgpt2", "gpt2", "xz-9"} {
		m := demo.Models[name]
		l := laneView{name: name, index: i, back: feed.New(name, size, nil).Snapshot()}
		if name == "gpt2" {
			l.missing = "llmz models pull gpt2"
		}
		if name == "xz-9" {
			l.note = "the library finds shorter matches than xz -9e does"
		}
		j := demo.Tracker(demo.NewClock(), m, name, size, parts[name])
		l.forth = j.Snapshot()
		if m.Lanes == 0 {
			l.forth.Curve = nil
		}
		if b := back[name]; b > 0 {
			m.Speed *= 0.9
			l.back = demo.Tracker(demo.NewClock(), m, name, size, b).Snapshot()
		}
		out = append(out, l)
	}
	return out
}

func screens() map[string]*view {
	running := lanes(map[string]float64{"gru": 0.7, "lstm": 1, "distilgpt2": 0.2, "xz-9": 1}, map[string]float64{"lstm": 0.4, "xz-9": 1})
	all := map[string]float64{"gru": 1, "lstm": 1, "distilgpt2": 1, "xz-9": 1}
	over := lanes(all, all)
	over[1].back.State, over[1].back.Err = feed.Failed, fmt.Errorf("%w (at offset 17)", ErrDiffers)
	start := lanes(nil, nil)
	return map[string]*view{
		"running": {lanes: running, elapsed: 12 * time.Second},
		"over":    {lanes: over, elapsed: 83 * time.Second, sequential: true},
		"start":   {lanes: start},
	}
}

func TestGoldenScreens(t *testing.T) {
	for name, v := range screens() {
		for _, s := range golden.Sizes {
			for _, th := range []struct {
				name string
				t    *theme.Theme
			}{{"colour", golden.Colour}, {"light", golden.Light}, {"mono", golden.Mono}} {
				v.t, v.w, v.h, v.name, v.size, v.keys = th.t, s[0], s[1], "alice29.txt", size, " q stop"
				lines := v.lines()
				golden.Within(t, lines, s[0], s[1])
				if len(lines) != s[1] {
					t.Errorf("%d lines on a screen of %d", len(lines), s[1])
				}
				if th.name == "light" && s[0] != 80 {
					continue
				}
				golden.Equal(t, fmt.Sprintf("%s-%dx%d-%s", name, s[0], s[1], th.name), lines)
			}
		}
	}
}

func TestEverySizeFits(t *testing.T) {
	for name, v := range screens() {
		v.name, v.size, v.t, v.keys = "ein Name, 日本語 und länger als das Fenster.txt", size, golden.Mono, " q"
		for w := 1; w < 220; w += 7 {
			for h := 1; h < 60; h += 5 {
				v.w, v.h = w, h
				golden.Within(t, v.lines(), w, h)
			}
		}
		_ = name
	}
}

// fake is an entrant that "compresses" by copying, with events on the way.
func fake(name string, spoil bool, hold <-chan struct{}) Entrant {
	code := func(dir engine.Direction) Code {
		return func(ctx context.Context, dst io.Writer, src io.Reader, size int64, job *feed.Tracker) (engine.Result, error) {
			observe := job.Observe
			observe(engine.Started{Direction: dir, TotalBytes: size})
			if hold != nil {
				select {
				case <-hold:
				case <-ctx.Done():
					return engine.Result{}, ctx.Err()
				}
			}
			b, err := io.ReadAll(src)
			if err != nil {
				return engine.Result{}, err
			}
			observe(engine.Progress{Bytes: size / 2, TotalBytes: size, CompressedBytes: size / 4})
			if spoil && dir == engine.Decompressing {
				b[len(b)/2] ^= 1
			}
			if _, err := dst.Write(b); err != nil {
				return engine.Result{}, err
			}
			r := engine.Result{Direction: dir, OriginalBytes: size, CompressedBytes: size / 2, Elapsed: time.Second}
			observe(engine.Finished{Result: r})
			return r, nil
		}
	}
	return Entrant{Name: name, Compress: code(engine.Compressing), Decompress: code(engine.Decompressing)}
}

func contest(content []byte, e ...Entrant) *Contest {
	return New("content", int64(len(content)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, e, nil)
}

func TestContest(t *testing.T) {
	content := bytes.Repeat([]byte("the quick brown fox "), 50)
	for _, sequential := range []bool{false, true} {
		c := contest(content, fake("honest", false, nil), fake("liar", true, nil),
			Entrant{Name: "absent", Missing: "llmz models pull absent"})
		c.Sequential = sequential
		out := c.Run(t.Context())
		if out[0].Err != nil || out[0].Back.OriginalBytes != int64(len(content)) {
			t.Errorf("honest: %+v", out[0])
		}
		if !errors.Is(out[1].Err, ErrDiffers) || !strings.Contains(out[1].Err.Error(), "offset 500") {
			t.Errorf("liar: %v", out[1].Err)
		}
		if out[2].Missing == "" || out[2].Err != nil {
			t.Errorf("absent: %+v", out[2])
		}
		table := strings.Join(c.Table(theme.Plain(theme.ASCII), 100), "\n")
		for _, want := range []string{"1st", "honest", "not here: llmz models pull absent", "differs"} {
			if !strings.Contains(table, want) {
				t.Errorf("the table lacks %q:\n%s", want, table)
			}
		}
		if strings.Contains(table, "\x1b") {
			t.Errorf("escape codes in a plain table:\n%q", table)
		}
	}
}

func TestComparer(t *testing.T) {
	for _, c := range []struct{ want, got, err string }{
		{"abc", "abc", ""}, {"abc", "abd", "offset 2"}, {"abc", "abcd", "offset 3"}, {"abcd", "abc", "ends at offset 3"}, {"", "", ""},
	} {
		cmp := &comparer{want: strings.NewReader(c.want)}
		_, err := io.Copy(cmp, iotestOneByte{strings.NewReader(c.got)})
		if err == nil {
			err = cmp.end()
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q for %q: %v, want %q", c.got, c.want, err, c.err)
		}
	}
}

type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func TestFlow(t *testing.T) {
	hold := make(chan struct{})
	ctx := t.Context()
	c := contest(make([]byte, 5000), fake("quick", false, nil), fake("slow", false, hold))
	m := NewModel(ctx, c, golden.Mono, true)
	tm := teatest.NewTestModel(t, screen.Root(m), teatest.WithInitialTermSize(80, 24))
	saw := golden.Watch(t, tm)
	saw("side by side")
	tm.Send(tea.WindowSizeMsg{Width: 30, Height: 6})
	tm.Send(tea.WindowSizeMsg{Width: 100, Height: 30})
	tm.Send(tea.KeyPressMsg{Code: tea.KeyDown})
	tm.Type("q")
	saw("table stays")
	tm.Type("q")
	tm.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
	out := m.c.views()
	if out[0].failed() != nil || !errors.Is(out[1].failed(), context.Canceled) {
		t.Errorf("after q: quick %v, slow %v", out[0].failed(), out[1].failed())
	}
}

// Those that are over soon run first and one by one.
func TestFirst(t *testing.T) {
	var running, most, firsts atomic.Int64
	entrant := func(name string, first bool) Entrant {
		return Entrant{Name: name, First: first, Compress: func(context.Context, io.Writer, io.Reader, int64, *feed.Tracker) (engine.Result, error) {
			n := running.Add(1)
			defer running.Add(-1)
			if first {
				most.Store(max(most.Load(), n))
				firsts.Add(1)
				time.Sleep(2 * time.Millisecond)
			} else if firsts.Load() != 2 {
				t.Errorf("%s began after %d of the first", name, firsts.Load())
			}
			return engine.Result{}, nil
		}}
	}
	c := contest(make([]byte, 10), entrant("slow", false), entrant("quick", true), entrant("slower", false), entrant("quicker", true))
	c.OneWay = true
	out := c.Run(t.Context())
	if most.Load() != 1 {
		t.Errorf("%d of the first ran at once", most.Load())
	}
	for i, name := range []string{"slow", "quick", "slower", "quicker"} {
		if out[i].Name != name || out[i].Err != nil {
			t.Errorf("outcome %d: %+v", i, out[i])
		}
	}
}

// endless is an entrant that works until it is stopped, and counts its steps.
func endless(name string, steps *atomic.Int64) Entrant {
	return Entrant{Name: name, Compress: func(ctx context.Context, _ io.Writer, _ io.Reader, size int64, job *feed.Tracker) (engine.Result, error) {
		job.Observe(engine.Started{TotalBytes: size})
		for ctx.Err() == nil {
			if err := job.Gate().Wait(ctx); err != nil {
				return engine.Result{}, err
			}
			steps.Add(1)
			time.Sleep(time.Millisecond)
		}
		return engine.Result{}, ctx.Err()
	}}
}

// When its context ends, as it does when the terminal goes away, the race does not wait
// for a key: neither under way nor once it is over.
func TestLeavesWithItsContext(t *testing.T) {
	for _, over := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var steps atomic.Int64
		c, sign := contest(make([]byte, 5000), endless("slow", &steps)), "stop and rank"
		if over {
			c, sign = contest(make([]byte, 5000), fake("quick", false, nil)), "table stays"
		}
		m := NewModel(ctx, c, golden.Mono, true)
		tm := teatest.NewTestModel(t, screen.Root(m), teatest.WithInitialTermSize(80, 24))
		golden.Watch(t, tm)(sign)
		cancel()
		tm.Send(stopMsg{})
		tm.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
		if o := m.Stop(); over != (o[0].Err == nil) {
			t.Errorf("over %v: it ended with %v", over, o[0].Err)
		}
	}
}

// A pause holds all lanes, those too that have not begun; and a paused race can be
// stopped.
func TestPauseAndStop(t *testing.T) {
	var steps [2]atomic.Int64
	c := contest(make([]byte, 5000), endless("one", &steps[0]), endless("two", &steps[1]))
	m := NewModel(t.Context(), c, golden.Mono, true)
	m.Init()
	for steps[0].Load() == 0 || steps[1].Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	m.Update(tea.KeyPressMsg{Code: 'p', Text: "p"})
	time.Sleep(10 * time.Millisecond) // a step may be under way
	before := steps[0].Load() + steps[1].Load()
	time.Sleep(30 * time.Millisecond)
	if n := steps[0].Load() + steps[1].Load() - before; n != 0 {
		t.Errorf("%d steps during the pause", n)
	}
	if s := strings.Join(m.Render(), "\n"); !strings.Contains(s, "paused") || !strings.Contains(s, "go on") {
		t.Errorf("the screen does not tell of the pause:\n%s", s)
	}
	m.Update(tea.KeyPressMsg{Code: 'q', Text: "q"})
	for _, o := range m.Stop() {
		if !errors.Is(o.Err, context.Canceled) {
			t.Errorf("%s ended with %v", o.Name, o.Err)
		}
	}
}
