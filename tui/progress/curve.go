package progress

import (
	"math"

	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// Curves draws the BPC over a file, of each stretch and of all up to there, on
// axes in at most w × h cells; nil where there is too little to draw or no room:
// a twelfth of the file makes a curve, less only a scrawl.
func Curves(t *theme.Theme, s *feed.Snapshot, w, h int) []string {
	w, h = min(w, 120), min(h, 20)
	if s.Total <= 0 || s.Bytes < s.Total/12 || len(s.Curve) < 4 || h < 8 {
		return nil
	}
	dots := w
	if t.Glyphs == theme.Braille {
		dots *= 2
	}
	x, y := s.Running(dots)
	if len(x) < 4 {
		return nil
	}
	parts := s.Stretches(min(dots, 100))
	series := make([]chart.Series, 2)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, v := range parts {
		series[0].Points = append(series[0].Points, chart.XY{X: (float64(i) + 0.5) / float64(len(parts)), Y: v})
		if v > 0 {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	for i := range x {
		series[1].Points = append(series[1].Points, chart.XY{X: x[i], Y: y[i]})
	}
	for i, name := range []string{"each stretch", "all so far"} {
		series[i].Name = name
		series[i].Style, series[i].Mark = t.Line(1 - i)
	}
	if lo > hi {
		return nil
	}
	pad := max((hi-lo)*0.06, 0.02)
	return chart.Plot(t, series, chart.Axes{XTo: 1, YFrom: max(0, lo-pad), YTo: hi + pad, XLabel: "part of the file", YLabel: "BPC",
		XFormat: text.Percent, YFormat: func(v float64) string { return text.Fixed(v, 2) }}, w, h)
}
