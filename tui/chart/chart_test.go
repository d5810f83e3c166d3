package chart

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/internal/golden"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

var levels = []struct {
	name string
	t    *theme.Theme
}{{"ascii", theme.Plain(theme.ASCII)}, {"block", theme.Plain(theme.Block)}, {"braille", theme.Plain(theme.Braille)}}

func TestBarsHaveTheirWidth(t *testing.T) {
	for _, l := range levels {
		for w := range 50 {
			for _, f := range []float64{-1, 0, 0.001, 0.33, 0.999, 1, 2, math.NaN()} {
				if n := text.Width(Bar(l.t, l.t.Accent, f, w)); n != w {
					t.Errorf("%s: bar of %d at %v has %d cells", l.name, w, f, n)
				}
				if n := text.Width(Sweep(l.t, l.t.Accent, f, w)); n != w {
					t.Errorf("%s: sweep of %d at %v has %d cells", l.name, w, f, n)
				}
			}
			segs := []Segment{{3, theme.Style{}, "a"}, {0, theme.Style{}, "b"}, {1, theme.Style{}, "c"}}
			if n := text.Width(Stacked(l.t, segs, w)); n != w {
				t.Errorf("%s: stacked bar of %d has %d cells", l.name, w, n)
			}
		}
	}
}

func TestBarIsFullOnlyAtTheEnd(t *testing.T) {
	for _, l := range levels {
		if s := Bar(l.t, l.t.Accent, 0.999, 20); s == strings.Repeat(l.t.Glyph.Full, 20) {
			t.Errorf("%s: full at 99.9%%", l.name)
		}
		if s := Bar(l.t, l.t.Accent, 1, 20); s != strings.Repeat(l.t.Glyph.Full, 20) {
			t.Errorf("%s: not full at 100%%: %q", l.name, s)
		}
	}
}

func TestSpark(t *testing.T) {
	for _, l := range levels {
		s := Spark(l.t, l.t.Accent, []float64{0, 0.5, 1, math.NaN(), 5, -5}, 0, 1)
		if text.Width(s) != 6 {
			t.Errorf("%s: %q", l.name, s)
		}
		r := []rune(s)
		if r[0] == r[2] || r[3] != ' ' || r[4] != r[2] || r[5] != r[0] {
			t.Errorf("%s: %q", l.name, s)
		}
	}
}

func curves() []Series {
	var out []Series
	for i, mark := range []string{"*", "+"} {
		var s Series
		s.Mark, s.Name = mark, []string{"gru 2.00", "lstm 2.30"}[i]
		for x := 0.0; x <= 1; x += 0.01 {
			s.Points = append(s.Points, XY{x, 2 + float64(i)*0.3 + 1.5*math.Exp(-8*x)})
		}
		out = append(out, s)
	}
	return out
}

func TestPlotGolden(t *testing.T) {
	for _, l := range levels {
		for _, size := range [][2]int{{16, 4}, {40, 8}, {100, 20}} {
			lines := Plot(l.t, curves(), Axes{XTo: 1, XLabel: "part of the file", YLabel: "BPC", XFormat: text.Percent,
				YFormat: func(v float64) string { return text.Fixed(v, 2) }}, size[0], size[1])
			golden.Within(t, lines, size[0], size[1])
			golden.Equal(t, fmt.Sprintf("plot-%dx%d-%s", size[0], size[1], l.name), lines)
		}
	}
}

func TestScatterGolden(t *testing.T) {
	points := []Label{
		{XY{41200, 3.98}, "gru", theme.Style{}, "o"}, {XY{262000, 3.63}, "lstm", theme.Style{}, "+"},
		{XY{1730, 4.99}, "gpt2", theme.Style{}, "x"}, {XY{2.1e6, 3.13}, "xz-9", theme.Style{}, "*"},
		{XY{2.2e6, 3.14}, "bzip2", theme.Style{}, "="},
	}
	for _, l := range levels {
		for _, size := range [][2]int{{40, 10}, {80, 18}} {
			lines := Scatter(l.t, points, Axes{LogX: true, XLabel: "speed", XFormat: text.Rate, YFormat: text.Ratio}, size[0], size[1])
			golden.Within(t, lines, size[0], size[1])
			golden.Equal(t, fmt.Sprintf("scatter-%dx%d-%s", size[0], size[1], l.name), lines)
		}
	}
}

// Whatever the values, a plot keeps to its space.
func TestPlotsOfOddValues(t *testing.T) {
	odd := [][]XY{nil, {{0, 0}}, {{1, 1}, {1, 1}}, {{0, math.NaN()}, {1, 2}}, {{-1, -5}, {2, 1e12}}}
	for _, l := range levels {
		for _, pts := range odd {
			for w := 0; w < 60; w += 7 {
				for h := range 12 {
					golden.Within(t, Plot(l.t, []Series{{Points: pts, Mark: "*", Name: "some"}, {Points: pts, Mark: "o", Marked: true}}, Axes{}, w, h), w, h)
					var labels []Label
					for _, p := range pts {
						if !math.IsNaN(p.Y) {
							labels = append(labels, Label{p, "日本", theme.Style{}, "*"})
						}
					}
					golden.Within(t, Scatter(l.t, labels, Axes{LogX: true}, w, h), w, h)
				}
			}
		}
	}
}

func TestStageLegendSumsToTheWhole(t *testing.T) {
	shares := []feed.Share{{Stage: engine.StageInfer, Name: "model_infer", Tenths: 713}, {Stage: engine.StageMix, Name: "mix", Tenths: 200},
		{Stage: engine.StageCode, Name: "arith_encode", Tenths: 50}, {Stage: engine.StageOther, Name: "other", Tenths: 37}}
	for w := 12; w < 120; w++ {
		line := ansi.Strip(StageLegend(levels[0].t, shares, w))
		if text.Width(line) > w {
			t.Errorf("%d cells for %d: %q", text.Width(line), w, line)
		}
		sum := 0
		for _, f := range strings.Fields(line) {
			var a, b int
			if n, _ := fmt.Sscanf(f, "%d.%d%%", &a, &b); n == 2 {
				sum += a*10 + b
			}
		}
		// Where there is no room for a rest, the largest stage stands alone.
		if sum != 1000 && (w >= 31 || !strings.HasPrefix(line, "i model_inf") || w >= 19 && sum != 713) {
			t.Errorf("at %d cells the shares add up to %d: %q", w, sum, line)
		}
	}
}

// Values that are as good as equal are drawn in the middle, not as peaks.
func TestFlatSparkStaysLow(t *testing.T) {
	for _, l := range levels {
		top := l.t.Glyph.Spark[len(l.t.Glyph.Spark)-1]
		for _, values := range [][]float64{{1.96, 1.958, 1.962, 1.96}, {0, 0, 0}, {5, 5}, {1e-12, 0}} {
			lo, hi := Range(values)
			if s := Spark(l.t, theme.Style{}, values, lo, hi); strings.Contains(s, top) || strings.HasPrefix(s, l.t.Glyph.Spark[0]) {
				t.Errorf("%s: %v is drawn as %s", l.name, values, s)
			}
		}
		if s := Spark(l.t, theme.Style{}, []float64{1, 3}, 1, 3); !strings.HasSuffix(s, top) || !strings.HasPrefix(s, l.t.Glyph.Spark[0]) {
			t.Errorf("%s: 1 to 3 is drawn as %s", l.name, s)
		}
	}
	for want, r := range map[string][2]float64{"1.96": {1.958, 1.962}, "1.80-2.95": {1.8, 2.95}} {
		if got := Span(r[0], r[1]); got != want {
			t.Errorf("%v: %s", r, got)
		}
	}
}
