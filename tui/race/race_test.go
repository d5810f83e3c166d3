package race

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/theme"
)

var (
	colour = theme.New(theme.Options{Dark: true, Profile: colorprofile.TrueColor, Glyphs: theme.Braille})
	light  = theme.New(theme.Options{Profile: colorprofile.ANSI256, Glyphs: theme.Block})
	mono   = theme.New(theme.Options{Dark: true, Profile: colorprofile.ASCII, Glyphs: theme.Braille})
)

const size = 152089

// lanes returns a race in which each entrant got as far as its own part.
func lanes(parts map[string]float64, back map[string]float64) []laneView {
	var out []laneView
	for i, name := range []string{"gru", "lstm", "distilgpt2", "gpt2", "xz-9"} {
		m := demo.Models[name]
		l := laneView{name: name, index: i, back: feed.New(context.Background(), name, size, nil).Snapshot()}
		if name == "gpt2" {
			l.missing = "llmz models pull gpt2"
		}
		if name == "xz-9" {
			l.note = "the library finds shorter matches than xz -9e does"
		}
		j := demo.Job(demo.NewClock(), m, name, size, parts[name])
		l.forth = j.Snapshot()
		if m.Lanes == 0 {
			l.forth.Curve = nil
		}
		if b := back[name]; b > 0 {
			m.Speed *= 0.9
			l.back = demo.Job(demo.NewClock(), m, name, size, b).Snapshot()
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
		for _, s := range [][2]int{{40, 12}, {80, 24}, {140, 40}} {
			for _, th := range []struct {
				name string
				t    *theme.Theme
			}{{"colour", colour}, {"light", light}, {"mono", mono}} {
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
		v.name, v.size, v.t, v.keys = "ein Name, 日本語 und länger als das Fenster.txt", size, mono, " q"
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
		return func(ctx context.Context, dst io.Writer, src io.Reader, size int64, observe engine.Observer) (engine.Result, error) {
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

func contest(ctx context.Context, content []byte, e ...Entrant) *Contest {
	return New(ctx, "content", int64(len(content)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, e, nil)
}

func TestContest(t *testing.T) {
	content := bytes.Repeat([]byte("the quick brown fox "), 50)
	for _, sequential := range []bool{false, true} {
		c := contest(t.Context(), content, fake("honest", false, nil), fake("liar", true, nil),
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
	c := contest(ctx, make([]byte, 5000), fake("quick", false, nil), fake("slow", false, hold))
	m := NewModel(ctx, c, mono, true)
	tm := teatest.NewTestModel(t, root{m}, teatest.WithInitialTermSize(80, 24))
	var seen bytes.Buffer
	saw := func(what string) {
		t.Helper()
		teatest.WaitFor(t, io.TeeReader(tm.Output(), &seen), func([]byte) bool {
			return strings.Contains(ansi.Strip(seen.String()), what)
		}, teatest.WithDuration(10*time.Second))
	}
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

// What a redraw costs: there are at most ten a second.
func BenchmarkFrame(b *testing.B) {
	v := screens()["running"]
	v.t, v.w, v.h, v.name, v.size = colour, 140, 40, "alice29.txt", size
	for b.Loop() {
		v.lines()
	}
}
