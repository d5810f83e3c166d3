package progress

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/internal/cputime"
	"github.com/llmz/llmz/tui/internal/demo"
	"github.com/llmz/llmz/tui/internal/golden"
)

// What watching costs a compression, drawing included: it must stay below 1%.
// Runs with and without alternate, so that a busy machine slows down both; the
// figure is the median over all pairs. The mixer alone is the fastest coder there
// is, and has the most to lose.
func BenchmarkWatchedCompression(b *testing.B) {
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "alice29.txt"))
	if err != nil {
		b.Fatal(err)
	}
	run := func(watched bool) time.Duration {
		o := engine.Options{NoModel: true, Threads: 1, Size: int64(len(content))}
		if watched {
			d := Start(Options{Theme: golden.Colour, Out: io.Discard, In: new(bytes.Buffer), Environ: []string{"TERM=xterm-256color"}})
			defer d.Close()
			f := d.Add("compress", "alice29.txt", o.Size)
			defer f.Finish(engine.Result{}, nil)
			o.Observer, o.Gate = f.Observe, f.Gate()
		}
		start := time.Now()
		if _, err := engine.Compress(b.Context(), io.Discard, bytes.NewReader(content), o); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var ratios []float64
	for b.Loop() {
		// Each goes first every other time.
		first := len(ratios)%2 == 0
		one, two := run(first), run(!first)
		if !first {
			one, two = two, one
		}
		ratios = append(ratios, float64(one)/float64(two))
	}
	slices.Sort(ratios)
	b.ReportMetric(100*(ratios[len(ratios)/2]-1), "%cost")
}

// What the view takes by itself, in parts of one core, while a job runs: it must
// stay below 1%. What the events take that nobody looks at is left out.
func BenchmarkDisplayCPU(b *testing.B) {
	used := func(observe engine.Observer) float64 {
		start, before := time.Now(), cputime.Used()
		demo.Live(b.Context(), demo.Models["gru"], 152089, 2*time.Second, observe)
		return (cputime.Used() - before).Seconds() / time.Since(start).Seconds()
	}
	cost, n := 0.0, 0
	for b.Loop() {
		cost -= used(func(engine.Event) {})
		d := Start(Options{Theme: golden.Colour, Out: io.Discard, In: new(bytes.Buffer), Environ: []string{"TERM=xterm-256color"}})
		f := d.Add("compress", "alice29.txt", 152089)
		cost += used(f.Observe)
		f.Finish(engine.Result{}, nil)
		d.Close()
		n++
	}
	b.ReportMetric(100*cost/float64(n), "%cpu")
}
