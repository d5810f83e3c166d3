package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/internal/screen"
	"github.com/llmz/llmz/tui/theme"
)

const sample = "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do:\n" +
	"once or twice she had peeped into the book her sister was reading.\n\n" +
	"Grüße aus 東京!\ttab\r\n" + "\x00\x01\xff\xfe binary \x1b[31m\n" +
	"`and what is the use of a book,' thought Alice `without pictures or conversation?'\n"

func loaded(t *theme.Theme, w, h int, content string) *Model {
	m := New(context.Background(), "alice29.txt", int64(len(content)), nil, t)
	m.SetSize(w, h)
	m.Update(doneMsg{to: m, x: demo.Inspection([]byte(content))})
	return m
}

func TestGoldenScreens(t *testing.T) {
	for _, s := range golden.Sizes {
		for _, th := range []struct {
			name string
			t    *theme.Theme
		}{{"colour", golden.Colour}, {"light", golden.Light}, {"sixteen", golden.Sixteen}, {"mono", golden.Mono}} {
			m := loaded(th.t, s[0], s[1], strings.Repeat(sample, 6))
			m.symbol(120)
			lines := m.Render()
			golden.Within(t, lines, s[0], s[1])
			golden.Equal(t, fmt.Sprintf("heat-%dx%d-%s", s[0], s[1], th.name), lines)
		}
	}
	m := New(context.Background(), "alice29.txt", 1000, nil, golden.Mono)
	m.v.job = ptr(demo.Tracker(demo.NewClock(), demo.Models["gru"], "alice29.txt", 1000, 0.4).Snapshot())
	m.SetSize(80, 24)
	golden.Equal(t, "loading-80x24-mono", m.Render())
	m.Update(doneMsg{to: m, err: errors.New("model \"gpt2\" is not installed")})
	golden.Equal(t, "failed-80x24-mono", m.Render())
}

func ptr(s feed.Snapshot) *feed.Snapshot { return &s }

func TestEverySizeFits(t *testing.T) {
	for _, content := range []string{"", "a", "\n\n\n", strings.Repeat(sample, 3), strings.Repeat("東", 500)} {
		m := loaded(golden.Mono, 80, 24, content)
		for w := 1; w < 200; w += 9 {
			for h := 1; h < 50; h += 4 {
				m.SetSize(w, h)
				golden.Within(t, m.Render(), w, h)
				for _, k := range []string{"down", "right", "pgdown", "n", "b", "end", "up", "pgup", "home"} {
					m.key(k)
				}
				golden.Within(t, m.Render(), w, h)
			}
		}
	}
}

// The rows hold each byte of the content once, in order.
func TestRowsCoverTheContent(t *testing.T) {
	x := demo.Inspection([]byte(strings.Repeat(sample, 4)))
	for w := 1; w < 90; w += 4 {
		p := newPage(x, golden.Mono, w)
		at := 0
		for i, r := range p.rows {
			if r.from != at || r.to <= r.from {
				t.Fatalf("width %d, row %d: %d to %d after %d", w, i, r.from, r.to, at)
			}
			at = r.to
			cells := p.cells(r, false)
			c := r.from
			for _, cell := range cells {
				if cell.from != c {
					t.Fatalf("a gap at %d", c)
				}
				c = cell.to
			}
			if c != r.to {
				t.Fatalf("cells end at %d of %d", c, r.to)
			}
		}
		if at != len(x.Content) {
			t.Fatalf("rows end at %d of %d", at, len(x.Content))
		}
	}
}

func TestTotalsAddUp(t *testing.T) {
	x := demo.Inspection([]byte(sample))
	bits, n := 0.0, 0
	lines := totals(x)
	for _, l := range lines {
		bits, n = bits+l.bits, n+l.bytes
	}
	if math.Abs(bits-x.Bits) > 0.01 || n != len(sample) {
		t.Errorf("%.2f of %.2f bits, %d of %d bytes", bits, x.Bits, n, len(sample))
	}
	if want := strings.Count(sample, "\n") + 1; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
}

func TestKeys(t *testing.T) {
	m := loaded(golden.Mono, 80, 24, strings.Repeat(sample, 3))
	m.key("n")
	if s := m.v.x.Symbols[m.v.cursor]; s.Bits < dear {
		t.Errorf("n went to a symbol of %.1f bits", s.Bits)
	}
	first := m.v.cursor
	m.key("n")
	m.key("p")
	if m.v.cursor != first {
		t.Errorf("p did not go back: %d, not %d", m.v.cursor, first)
	}
	m.key("end")
	if m.v.cursor != len(m.v.x.Symbols)-1 {
		t.Error("end is not the end")
	}
	m.key("home")
	m.key("down")
	m.key("up")
	if m.v.cursor != 0 {
		t.Errorf("down and up end at %d", m.v.cursor)
	}
	before := strings.Join(m.Render(), "\n")
	m.key("b")
	after := ansi.Strip(strings.Join(m.Render(), "\n"))
	if before == after || !strings.Contains(after, "gru alone") {
		t.Error("b does not show the model alone")
	}
	m.key("b")
	if again := strings.Join(m.Render(), "\n"); again != before {
		t.Error("b twice is not what was there before")
	}
	m.Update(tea.MouseClickMsg{X: 20, Y: 3})
	if m.v.cursor == 0 {
		t.Error("a click does not move the cursor")
	}
}

// A character of several byte symbols costs their sum; a token's characters all
// have its cost.
func TestCellCosts(t *testing.T) {
	x := demo.Inspection([]byte("aü"))
	p := newPage(x, golden.Mono, 10)
	c := p.cells(p.rows[0], false)
	if want := float64(x.Symbols[1].Bits) + float64(x.Symbols[2].Bits); len(c) != 2 || math.Abs(c[1].bits-want) > 1e-6 {
		t.Errorf("%+v, want %v", c, want)
	}
	x = &engine.Inspection{Model: predict.Info{Kind: predict.Tokens}, Content: []byte("hello you"),
		Symbols: []engine.SymbolCost{{Offset: 0, Length: 5, Bits: 3}, {Offset: 5, Length: 4, Bits: 7}}}
	p = newPage(x, golden.Mono, 20)
	for i, cell := range p.cells(p.rows[0], false) {
		if want := map[bool]float64{true: 3, false: 7}[i < 5]; cell.bits != want {
			t.Errorf("character %d costs %v, want %v", i, cell.bits, want)
		}
	}
}

func TestFlow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	release := make(chan struct{})
	m := New(ctx, "alice29.txt", int64(len(sample)), func(ctx context.Context, observe engine.Observer) (*engine.Inspection, error) {
		observe(engine.Started{TotalBytes: int64(len(sample))})
		<-release
		return demo.Inspection([]byte(sample)), nil
	}, golden.Mono)
	tm := teatest.NewTestModel(t, screen.Root(m), teatest.WithInitialTermSize(80, 24))
	saw := golden.Watch(t, tm)
	saw("over the content")
	tm.Send(tea.WindowSizeMsg{Width: 33, Height: 9})
	close(release)
	tm.Send(tea.WindowSizeMsg{Width: 110, Height: 30})
	saw("expected")
	tm.Type("n")
	tm.Type("q")
	tm.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
}

func TestHTML(t *testing.T) {
	content := sample + "<script>alert('x')</script> & \"quotes\" </s>\u202e\n"
	var b bytes.Buffer
	if err := HTML(&b, "<b>name</b>.txt", demo.Inspection([]byte(content))); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"&lt;b&gt;name&lt;/b&gt;.txt", "<b>bits</b><b>BPC</b>", "const lines=[", "prefers-color-scheme"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script>alert", "http://", "https://", "\u202e", "\x1b", "src="} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(page, "<script>"); n != 1 || strings.Count(page, "</script>") != 1 {
		t.Errorf("%d scripts", n)
	}
	if got, want := pageText(page), visible([]byte(content)); got != want {
		t.Errorf("the page shows\n%q, want\n%q", got, want)
	}
	if err := HTML(io.Discard, "empty", demo.Inspection(nil)); err != nil {
		t.Error(err)
	}
	if err := HTML(failingWriter{}, "x", demo.Inspection([]byte(content))); err == nil {
		t.Error("a full disk went unnoticed")
	}
}

// Characters without any width could neither be seen nor pointed at.
func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"a\u200bb": "a·b", "\ufeff": "·", "\u00ad": "·", "\u202e": "·", "\u009b": "·", "\x00\x7f\xff": "···",
		"caf\u00e9": "caf\u00e9", "e\u0301": "e\u0301", "\u00a0": "\u00a0", "日本": "日本", "<&": "<&", "a\tb\n": "a\tb↵",
	} {
		if got := visible([]byte(in)); got != want {
			t.Errorf("%q shows as %q, want %q", in, got, want)
		}
	}
}

func TestAround(t *testing.T) {
	content := []byte("a日\xff\xe6\x97z")
	for i, want := range []string{"", "日", "日", "日", "", "", "", ""} {
		if got := around(content, i, 1); string(got) != want {
			t.Errorf("byte %d is part of %q, want %q", i, got, want)
		}
	}
	if got := around(content, 1, 3); got != nil {
		t.Errorf("a whole character is part of %q", got)
	}
}

func TestOneIsSingular(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, "x", demo.Inspection([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<p>1 byte → 1 byte,") {
		t.Error("the page's summary is no singular")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func FuzzPage(f *testing.F) {
	f.Add([]byte(sample), 20)
	f.Add([]byte("\xe6\x9d\xb1\xe6\x9d"), 1)
	f.Fuzz(func(t *testing.T, content []byte, w int) {
		if len(content) > 2000 {
			return
		}
		w = 1 + (w&0x7fffffff)%120
		x := demo.Inspection(content)
		p := newPage(x, golden.Mono, w)
		at := 0
		for _, r := range p.rows {
			if r.from != at {
				t.Fatalf("a gap at %d", at)
			}
			at = r.to
			p.cells(r, false)
		}
		if at != len(content) {
			t.Fatalf("rows end at %d of %d", at, len(content))
		}
		if err := HTML(io.Discard, "x", x); err != nil {
			t.Fatal(err)
		}
	})
}
