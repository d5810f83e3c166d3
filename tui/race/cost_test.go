package race

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/cputime"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/internal/screen"
)

// What a redraw costs: there are at most ten a second.
func BenchmarkFrame(b *testing.B) {
	v := screens()["running"]
	v.t, v.w, v.h, v.name, v.size = golden.Colour, 140, 40, "alice29.txt", size
	for b.Loop() {
		v.lines()
	}
}

// What the view of a race takes by itself, in parts of one core, on a large
// screen: it must stay below 1%. What the events take that nobody looks at is
// left out.
func BenchmarkShowCPU(b *testing.B) {
	var entrants []Entrant
	for _, name := range []string{"gru", "lstm", "distilgpt2", "gpt2"} {
		m := demo.Models[name]
		entrants = append(entrants, Entrant{Name: name,
			Compress: func(ctx context.Context, _ io.Writer, _ io.Reader, n int64, j *feed.Tracker) (engine.Result, error) {
				demo.Live(ctx, m, n, 2*time.Second, j.Observe)
				return demo.Result(m, n), nil
			}})
	}
	contest := func() *Contest {
		c := New("alice29.txt", size, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }, entrants, nil)
		c.OneWay = true
		return c
	}
	used := func(run func()) float64 {
		start, before := time.Now(), cputime.Used()
		run()
		return (cputime.Used() - before).Seconds() / time.Since(start).Seconds()
	}
	cost, n := 0.0, 0
	for b.Loop() {
		c := contest()
		cost -= used(func() { c.Run(b.Context()) })
		m := NewModel(b.Context(), contest(), golden.Colour, false)
		p := screen.Alone(m, Options{Theme: golden.Colour, Out: io.Discard, Environ: []string{"TERM=xterm-256color"}})
		go p.Send(tea.WindowSizeMsg{Width: 140, Height: 40})
		cost += used(func() {
			if _, err := p.Run(); err != nil {
				b.Fatal(err)
			}
		})
		n++
	}
	b.ReportMetric(100*cost/float64(n), "%cpu")
}
