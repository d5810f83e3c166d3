package chart

import (
	"math"
	"strconv"
	"strings"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// Axes describe a plot. Where From and To are equal the range is taken from the
// points.
type Axes struct {
	XFrom, XTo     float64
	YFrom, YTo     float64
	LogX           bool
	XLabel, YLabel string
	XFormat        func(float64) string
	YFormat        func(float64) string
}

// fit fills in the ranges that were left open.
func (a *Axes) fit(series []Series) {
	var xs, ys []float64
	for _, s := range series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	if a.XFrom == a.XTo {
		a.XFrom, a.XTo = Range(xs)
		if a.LogX {
			a.XFrom, a.XTo = a.XFrom/1.6, a.XTo*1.6
		}
	}
	if a.YFrom == a.YTo {
		a.YFrom, a.YTo = Range(ys)
		pad := (a.YTo - a.YFrom) * 0.08
		if pad == 0 {
			pad = max(math.Abs(a.YTo)*0.1, 0.05)
		}
		a.YFrom, a.YTo = max(0, a.YFrom-pad), a.YTo+pad
	}
	if a.LogX {
		a.XFrom = max(a.XFrom, 1e-9)
		a.XTo = max(a.XTo, a.XFrom*10)
	}
	if a.XTo <= a.XFrom {
		a.XTo = a.XFrom + 1
	}
	if a.YTo <= a.YFrom {
		a.YTo = a.YFrom + 1
	}
	if a.XFormat == nil {
		a.XFormat = shortNumber
	}
	if a.YFormat == nil {
		a.YFormat = shortNumber
	}
}

// x and y return the dot of a value on a scale of n dots; y counts from above.
func (a *Axes) x(v float64, n int) int {
	f := (v - a.XFrom) / (a.XTo - a.XFrom)
	if a.LogX {
		f = math.Log(max(v, a.XFrom)/a.XFrom) / math.Log(a.XTo/a.XFrom)
	}
	return int(math.Round(f * float64(n-1)))
}

func (a *Axes) y(v float64, n int) int {
	return n - 1 - int(math.Round((v-a.YFrom)/(a.YTo-a.YFrom)*float64(n-1)))
}

func shortNumber(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// ticks returns round values within a range, at most n of them if n is at least 2.
func ticks(from, to float64, n int) []float64 {
	if !(to > from) || n < 1 {
		return nil
	}
	unit := math.Pow(10, math.Floor(math.Log10((to-from)/float64(n))))
	for _, m := range []float64{1, 2, 2.5, 5, 10, 20, 25, 50} {
		step := unit * m
		first, last := math.Ceil(from/step-1e-9), math.Floor(to/step+1e-9)
		if last-first+1 > float64(n) {
			continue
		}
		var out []float64
		for i := first; i <= last; i++ {
			out = append(out, i*step)
		}
		return out
	}
	return nil
}

// logTicks returns powers of ten within a range, with their halves and fifths where
// there are few; both ends where there are none.
func logTicks(from, to float64) []float64 {
	var out []float64
	for _, ms := range [][]float64{{1}, {1, 2, 5}} {
		out = nil
		for e := math.Floor(math.Log10(from)); e <= math.Log10(to); e++ {
			for _, m := range ms {
				if v := m * math.Pow(10, e); v >= from && v <= to {
					out = append(out, v)
				}
			}
		}
		if len(out) > 2 {
			break
		}
	}
	return out
}

// frame is the space around a plot: labels on the left and below.
type frame struct {
	t      *theme.Theme
	a      Axes
	w      int // of the plot, without the margin for names on the right
	left   int
	yTicks map[int]string // by line
}

// newFrame divides w × h cells; margin cells on the right of the canvas are kept for
// names.
func newFrame(t *theme.Theme, a Axes, w, h, margin int) (*frame, *canvas) {
	f := &frame{t: t, a: a, left: text.Width(a.YLabel), yTicks: map[int]string{}}
	ch := h - 2
	if a.YLabel != "" {
		f.yTicks[0] = a.YLabel
	}
	for _, v := range ticks(a.YFrom, a.YTo, max(2, min(7, (ch+1)/2))) {
		line := a.y(v, ch)
		if _, taken := f.yTicks[line]; taken {
			continue
		}
		f.yTicks[line] = a.YFormat(v)
		f.left = max(f.left, text.Width(f.yTicks[line]))
	}
	c := newCanvas(t, max(1, w-f.left-1), ch)
	f.w = max(1, c.w-margin)
	return f, c
}

func (f *frame) lines(c *canvas) []string {
	out := make([]string, 0, c.h+2)
	g := f.t.Glyph
	for i, l := range c.lines() {
		axis := g.Vertical
		if f.yTicks[i] != "" && (i > 0 || f.a.YLabel == "") {
			axis = g.Tick
		}
		out = append(out, f.t.Muted.Render(text.FitRight(f.yTicks[i], f.left))+f.t.Faint.Render(axis)+l)
	}
	return append(append(out, f.axis()), f.xTicks())
}

// axis draws the horizontal one, with its name in it.
func (f *frame) axis() string {
	g := f.t.Glyph
	label := " " + f.a.XLabel + " "
	n := f.w - text.Width(label)
	if f.a.XLabel == "" || n < 6 {
		label, n = "", f.w
	}
	return text.Spaces(f.left) + f.t.Faint.Render(g.Corner+strings.Repeat(g.Horizontal, n/2)) + f.t.Muted.Render(label) +
		f.t.Faint.Render(strings.Repeat(g.Horizontal, n-n/2))
}

// xTicks writes values under the axis, as many as there is room for: the ends first.
func (f *frame) xTicks() string {
	values := ticks(f.a.XFrom, f.a.XTo, max(2, min(6, f.w/9)))
	if f.a.LogX {
		values = logTicks(f.a.XFrom, f.a.XTo)
	}
	if len(values) < 2 {
		values = []float64{f.a.XFrom, f.a.XTo}
	}
	c := newCanvas(f.t, f.w, 1)
	put := func(v float64) {
		s := f.a.XFormat(v)
		n := text.Width(s)
		x := max(0, min(f.w-n, f.a.x(v, f.w)-n/2))
		if from := max(0, x-1); c.free(from, 0, min(f.w, x+n+1)-from) {
			c.write(x, 0, f.t.Muted, s)
		}
	}
	put(values[0])
	put(values[len(values)-1])
	for _, v := range values[1 : len(values)-1] {
		put(v)
	}
	return text.Spaces(f.left+1) + c.lines()[0]
}
