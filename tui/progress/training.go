package progress

import (
	"fmt"
	"math"
	"strings"

	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// plotHeight is the height of a training's curves, axes included, and plotWidth
// the most they are wide.
const plotHeight, plotWidth = 10, 100

// training draws a training with its curves.
func (v *view) training(f *fileView, w int) []string {
	t, x := v.t, f.Training
	out := []string{v.head(f, network(t, x, w), w), v.bar(f, w), trainingFigures(t, x, w)}
	foot := v.trainingFacts(f, w)
	// The line of keys comes under it all.
	room := v.h - len(out) - len(foot) - 1
	if p := trainingPlot(t, x, min(w, plotWidth), min(room, plotHeight)); p != nil {
		out = append(out, p...)
	} else if s := trainingSpark(t, x, w); s != "" && room >= 1 {
		out = append(out, s)
	}
	return append(out, foot...)
}

// network says what is trained, on what.
func network(t *theme.Theme, x *feed.Training, w int) string {
	if x.Shape.Arch == "" {
		return ""
	}
	dot := " " + t.Glyph.Dot + " "
	s := fmt.Sprintf("%s%s%s of %d", x.Shape.Arch, dot, plural(x.Shape.Layers, "layer"), x.Shape.Hidden)
	if w >= 72 {
		s += dot + text.Params(x.Parameters) + " parameters"
	}
	if w >= 100 {
		s += dot + x.Kernel
	}
	return s
}

func trainingFigures(t *theme.Theme, x *feed.Training, w int) string {
	parts := []string{t.Muted.Render("train BPC ") + t.Strong.Render(text.Fixed(x.BPC, 3))}
	if x.Valid == 0 {
		return text.Some(parts, "", w)
	}
	held := t.Muted.Render("held out ") + t.Strong.Render(text.Fixed(x.Valid, 3))
	if x.Best > 0 && x.Best < x.Valid {
		held += t.Muted.Render(" best ") + text.Fixed(x.Best, 3)
	}
	return text.Some(append(parts, held), "   ", w)
}

// trainingFacts are the lines about the way so far, more of them on demand.
func (v *view) trainingFacts(f *fileView, w int) []string {
	x, dot := f.Training, " "+v.t.Glyph.Dot+" "
	facts := []string{text.Count(int64(x.Update)) + " updates"}
	if x.Corpus > 0 {
		facts = append(facts, text.Bytes(f.Bytes)+" read", fmt.Sprintf("%.1f times the text", float64(f.Bytes)/float64(x.Corpus)))
	}
	if x.Resumed > 0 {
		facts = append(facts, "resumed after "+text.Count(int64(x.Resumed)))
	}
	if x.Saved > 0 {
		facts = append(facts, "checkpoint after "+text.Count(int64(x.Saved)))
	}
	out := []string{v.t.Muted.Render(text.Some(facts, dot, w))}
	if !v.details {
		return out
	}
	facts = []string{fmt.Sprintf("learning rate %.2g", x.Rate), text.Bytes(x.Corpus) + " of text", plural(f.Threads, "thread"), x.Kernel}
	if v.memory > 0 {
		facts = append(facts, text.Bytes(v.memory)+" memory")
	}
	return append(out, v.t.Muted.Render(text.Some(facts, dot, w)))
}

// trainingPlot draws both curves on shared axes, with their names at their ends.
func trainingPlot(t *theme.Theme, x *feed.Training, w, h int) []string {
	if len(x.Train) < 4 || h < 6 {
		return nil
	}
	type curve struct {
		name   string
		points []feed.TrainingPoint
	}
	var series []chart.Series
	for i, c := range []curve{{"trained on", x.Train}, {"held out", x.Held}} {
		if len(c.points) == 0 {
			continue
		}
		style, mark := t.Line(i)
		s := chart.Series{Style: style, Mark: mark, Name: c.name, Marked: i > 0}
		for _, p := range c.points {
			s.Points = append(s.Points, chart.XY{X: p.At, Y: p.BPC})
		}
		series = append(series, s)
	}
	lo, hi := trainingRange(x)
	return chart.Plot(t, series, chart.Axes{XTo: 1, YFrom: lo, YTo: hi, XLabel: "part of the training", YLabel: "BPC", XFormat: text.Percent,
		YFormat: func(v float64) string { return text.Fixed(v, 2) }}, w, h)
}

// trainingRange leaves out the steep beginning, which would press all the rest
// into a line.
func trainingRange(x *feed.Training) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	from := x.Train[0].At + 0.2*(x.Fraction-x.Train[0].At)
	for _, list := range [][]feed.TrainingPoint{x.Train, x.Held} {
		for _, p := range list {
			if p.At >= from {
				lo, hi = min(lo, p.BPC), max(hi, p.BPC)
			}
		}
	}
	pad := max((hi-lo)*0.08, 0.02)
	return max(0, lo-pad), hi + pad
}

// trainingSpark is the curve of the text trained on in one line.
func trainingSpark(t *theme.Theme, x *feed.Training, w int) string {
	label := "BPC "
	n := min(60, w-len(label)-13)
	if n < 10 || len(x.Train) < 4 {
		return ""
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = x.Train[i*(len(x.Train)-1)/(n-1)].BPC
	}
	lo, hi := trainingRange(x)
	return text.Fit(t.Muted.Render(label)+chart.Spark(t, t.Accent, values, lo, hi)+t.Muted.Render(" "+chart.Span(lo, hi)), w)
}

// trainingSummary is what stays of a training that is over.
func trainingSummary(t *theme.Theme, f *fileView, w int) []string {
	x := f.Training
	done := outcome(t, f, w)
	if len(f.Warnings) > 0 { // no tick for what is of no use
		done = t.Warn.Render("!") + strings.TrimPrefix(done, t.Good.Render(t.Glyph.Done))
	}
	lines := []string{done, "  " + t.Muted.Render(text.Cut(network(t, x, 100), w-2))}
	held := fmt.Sprintf("%s updates on %s in %s", text.Count(int64(x.Update)), text.Bytes(f.Bytes), text.Seconds(f.Elapsed))
	if x.Early {
		held += ", until nothing got better"
	}
	if x.Best > 0 {
		lines = append(lines, text.Cut("  "+t.Strong.Render(text.Fixed(x.Best, 3))+t.Muted.Render(" BPC on the text held out   "+held), w))
	} else {
		lines = append(lines, text.Cut("  "+t.Strong.Render(text.Fixed(x.BPC, 3))+t.Muted.Render(" BPC on the text trained on   "+held), w))
	}
	for _, msg := range f.Warnings {
		lines = append(lines, wrapped(t.Warn, "warning: "+text.Clean(msg), w)...)
	}
	for _, l := range trainingPlot(t, x, min(w-2, plotWidth), plotHeight) {
		lines = append(lines, "  "+strings.TrimRight(l, " "))
	}
	return lines
}
