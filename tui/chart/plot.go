package chart

import (
	"math"
	"strconv"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// XY is a point of a curve or scatter plot.
type XY struct{ X, Y float64 }

// Series is a curve.
type Series struct {
	Points []XY
	Style  theme.Style
	Mark   string
	// Marked draws the mark at each point, over what is there, and no line.
	Marked bool
}

// Axes describe a plot. Where From and To are equal the range is taken from the
// points.
type Axes struct {
	XFrom, XTo float64
	YFrom, YTo float64
	LogX       bool
	XLabel     string
	XFormat    func(float64) string
	YFormat    func(float64) string
}

const plotMinWidth, plotMinHeight = 16, 4

// Plot draws curves on shared axes in w × h cells, axes included; nil where
// that is too small to show anything.
func Plot(t *theme.Theme, series []Series, a Axes, w, h int) []string {
	if w < plotMinWidth || h < plotMinHeight {
		return nil
	}
	a.fit(series)
	f, c := newFrame(t, a, w, h)
	cw, ch := c.size()
	for _, s := range series {
		px, py, have := 0, 0, false
		for _, p := range s.Points {
			if math.IsNaN(p.Y) || math.IsNaN(p.X) {
				have = false
				continue
			}
			if s.Marked {
				c.put(f.a.x(p.X, c.w), f.a.y(p.Y, c.h), s.Style, s.Mark)
				continue
			}
			x, y := f.a.x(p.X, cw), f.a.y(p.Y, ch)
			if have {
				c.line(px, py, x, y, s.Style, s.Mark)
			} else {
				c.dot(x, y, s.Style, s.Mark)
			}
			px, py, have = x, y, true
		}
	}
	return f.lines(c)
}

// Label is a named point of a scatter plot.
type Label struct {
	XY
	Name  string
	Style theme.Style
	Mark  string
}

// Scatter draws named points in w × h cells. A name goes beside its point where
// there is room, and is left out where there is none: the marks tell it too.
func Scatter(t *theme.Theme, points []Label, a Axes, w, h int) []string {
	if w < plotMinWidth || h < plotMinHeight {
		return nil
	}
	series := make([]Series, len(points))
	for i, p := range points {
		series[i].Points = []XY{p.XY}
	}
	a.fit(series)
	f, c := newFrame(t, a, w, h)
	type cell struct{ x, y int }
	at := make([]cell, len(points))
	for i, p := range points {
		at[i] = cell{f.a.x(p.X, c.w), f.a.y(p.Y, c.h)}
		c.put(at[i].x, at[i].y, p.Style, p.Mark)
	}
	for i, p := range points {
		n := text.Width(p.Name)
		for _, q := range []cell{
			{at[i].x + 2, at[i].y}, {at[i].x - n - 1, at[i].y},
			{at[i].x - n/2, at[i].y - 1}, {at[i].x - n/2, at[i].y + 1},
			{at[i].x + 2, at[i].y - 1}, {at[i].x + 2, at[i].y + 1},
			{at[i].x - n - 1, at[i].y - 1}, {at[i].x - n - 1, at[i].y + 1},
		} {
			if c.free(q.x, q.y, n) {
				c.write(q.x, q.y, p.Style, p.Name)
				break
			}
		}
	}
	return f.lines(c)
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

// frame is the space around a plot: labels on the left and below.
type frame struct {
	t      *theme.Theme
	a      Axes
	w, h   int
	left   int
	yTicks map[int]string // by line
}

func newFrame(t *theme.Theme, a Axes, w, h int) (*frame, *canvas) {
	f := &frame{t: t, a: a, w: w, h: h, yTicks: map[int]string{}}
	ch := h - 2
	n := max(2, min(6, (ch+2)/3))
	for i := range n {
		line := i * (ch - 1) / (n - 1)
		v := a.YTo - (a.YTo-a.YFrom)*float64(line)/float64(max(1, ch-1))
		if math.Abs(v) < (a.YTo-a.YFrom)*1e-9 {
			v = 0
		}
		f.yTicks[line] = a.YFormat(v)
		f.left = max(f.left, text.Width(f.yTicks[line]))
	}
	return f, newCanvas(t, max(1, w-f.left-1), ch)
}

func (f *frame) lines(c *canvas) []string {
	out := make([]string, 0, f.h)
	g := f.t.Glyph
	for i, l := range c.lines() {
		axis := g.Vertical
		if f.yTicks[i] != "" {
			axis = g.Tick
		}
		out = append(out, f.t.Muted.Render(text.FitRight(f.yTicks[i], f.left))+f.t.Faint.Render(axis)+l)
	}
	bottom := g.Corner
	for range c.w {
		bottom += g.Horizontal
	}
	out = append(out, text.Spaces(f.left)+f.t.Faint.Render(bottom))
	from, to := f.a.XFormat(f.a.XFrom), f.a.XFormat(f.a.XTo)
	room := c.w - text.Width(from) - text.Width(to)
	label := f.a.XLabel
	if room < text.Width(label)+2 {
		label = ""
	}
	pad := room - text.Width(label)
	out = append(out, text.Spaces(f.left+1)+f.t.Muted.Render(text.Cut(from+text.Spaces(pad/2)+label+text.Spaces(pad-pad/2)+to, c.w)))
	return out
}
