package progress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
)

// terminal is a writer that may be read while it is written.
type terminal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *terminal) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func start(t *testing.T, o Options) (*Display, *terminal) {
	t.Helper()
	out := &terminal{}
	o.Out, o.Theme, o.Environ = out, golden.Colour, []string{"TERM=xterm-256color"}
	return Start(o), out
}

func TestDisplayLeavesTheSummary(t *testing.T) {
	d, out := start(t, Options{})
	f := d.Add("compress", "alice29.txt", 152089)
	f.SetOutput("alice29.txt.llmz")
	c := demo.NewClock()
	demo.Drive(c, demo.Models["gru"], 152089, 1, f.Observe)
	f.Finish(demo.Result(demo.Models["gru"], 152089), nil)
	d.Close()
	s := ansi.Strip(out.String())
	for _, want := range []string{"alice29.txt → alice29.txt.llmz", "152,089 → 38,231 bytes", "3.98x", "2.011 BPC"} {
		if !strings.Contains(s, want) {
			t.Errorf("summary lacks %q:\n%s", want, s)
		}
	}
}

func TestDisplayOfManyFiles(t *testing.T) {
	d, out := start(t, Options{})
	for _, name := range []string{"one", "two", "three"} {
		f := d.Add("compress", name, 5000)
		if name == "two" {
			f.Finish(engine.Result{}, errors.New("permission denied"))
			continue
		}
		f.Finish(demo.Result(demo.Models["gru"], 5000), nil)
	}
	d.Close()
	s := ansi.Strip(out.String())
	for _, want := range []string{"✓ one", "✗ two: permission denied", "✓ three", "2 files", "1 not done"} {
		if strings.Count(s, want) != 1 {
			t.Errorf("want %q once:\n%s", want, s)
		}
	}
}

// modelOf returns a root model without a running program.
func modelOf(t *testing.T, o Options) (*model, *File, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	if o.Interrupt == nil {
		o.Interrupt = cancel
	}
	o.Theme, o.Clock = golden.Mono, time.Now
	d := &Display{o: o, theme: golden.Mono, ended: make(chan struct{})}
	d.size.w, d.size.h = 80, 24
	f := d.Add("compress", "alice29.txt", 152089)
	demo.Drive(demo.NewClock(), demo.Models["gru"], 152089, 0.4, f.Observe)
	m := newModel(d)
	m.v.keys = true
	return m, f, ctx
}

func TestResizeDetailsAndInterrupt(t *testing.T) {
	m, _, ctx := modelOf(t, Options{})
	tm := teatest.NewTestModel(t, m, teatest.WithInitialTermSize(80, 24))
	saw := golden.Watch(t, tm)
	saw("model_infer")
	tm.Send(tea.WindowSizeMsg{Width: 50, Height: 12})
	tm.Send(tea.WindowSizeMsg{Width: 120, Height: 40})
	tm.Type("d")
	saw("2 threads")
	tm.Send(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
	saw("stopping")
	select {
	case <-ctx.Done():
	default:
		t.Error("ctrl+c did not cancel the work")
	}
	tm.Send(closeMsg{})
	tm.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
	if _, err := io.Copy(io.Discard, tm.FinalOutput(t)); err != nil {
		t.Error(err)
	}
}

func TestPauseKey(t *testing.T) {
	m, f, _ := modelOf(t, Options{})
	m.Update(tea.KeyPressMsg{Code: 'p', Text: "p"})
	if s := f.Snapshot(); s.State != feed.Paused {
		t.Fatalf("state %v after p", s.State)
	}
	m.look()
	if s := strings.Join(m.v.lines(), "\n"); !strings.Contains(s, "paused") || !strings.Contains(s, "go on") {
		t.Errorf("the screen does not say that it is paused:\n%s", s)
	}
	m.Update(tea.KeyPressMsg{Code: 'p', Text: "p"})
	if s := f.Snapshot(); s.State != feed.Running {
		t.Errorf("state %v after the second p", s.State)
	}
}

// The live part follows the window at once, before the next look at the jobs.
func TestResizeAtOnce(t *testing.T) {
	m, _, _ := modelOf(t, Options{})
	m.look()
	for _, w := range []int{200, 80, 33, 20, 9, 1} {
		m.Update(tea.WindowSizeMsg{Width: w, Height: 6})
		golden.Within(t, strings.Split(m.View().Content, "\n"), w, 6)
	}
}
