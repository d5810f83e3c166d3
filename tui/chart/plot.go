package chart

import (
	"math"
	"sort"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// XY is a point of a curve or scatter plot.
type XY struct{ X, Y float64 }

// Series is a curve.
type Series struct {
	Points []XY
	// Name stands at the curve's end, with Mark before it; empty for none.
	Name  string
	Style theme.Style
	Mark  string
	// Marked draws the mark at each point, over what is there, and no line.
	Marked bool
}

const plotMinWidth, plotMinHeight = 16, 4

// Plot draws curves on shared axes in w × h cells, axes included, with their names
// at their ends; nil where that is too small to show anything. A point that is NaN
// interrupts its curve.
func Plot(t *theme.Theme, series []Series, a Axes, w, h int) []string {
	if w < plotMinWidth || h < plotMinHeight {
		return nil
	}
	a.fit(series)
	margin := 0
	for _, s := range series {
		if s.Name != "" {
			margin = max(margin, text.Width(s.Name)+3)
		}
	}
	if margin > w/3 {
		margin = 0 // names go where the curves leave room
	}
	f, c := newFrame(t, a, w, h, margin)
	for i := range series { // the first on top
		f.curve(c, series[len(series)-1-i])
	}
	if !t.Colourful() && t.Glyphs != theme.ASCII {
		// Lines look all the same without colours.
		for _, s := range series {
			f.marks(c, s)
		}
	}
	f.names(c, series)
	return f.lines(c)
}

// curve draws the line of a series, or its marks.
func (f *frame) curve(c *canvas, s Series) {
	dw, dh := c.dotsOf(f.w, c.h)
	if f.t.Glyphs == theme.Block && !s.Marked {
		f.steps(c, s)
		return
	}
	px, py, have := 0, 0, false
	for _, p := range s.Points {
		if math.IsNaN(p.Y) || math.IsNaN(p.X) {
			have = false
			continue
		}
		if s.Marked {
			c.put(f.a.x(p.X, f.w), f.a.y(p.Y, c.h), s.Style, s.Mark)
			continue
		}
		x, y := f.a.x(p.X, dw), f.a.y(p.Y, dh)
		if have {
			c.line(px, py, x, y, s.Style, s.Mark)
		} else {
			c.line(x, y, x, y, s.Style, s.Mark)
		}
		px, py, have = x, y, true
	}
}

// steps draws the line of a series with the characters of boxes: a cell in each
// column, and upright ones between them.
func (f *frame) steps(c *canvas, s Series) {
	px, py, have := 0, 0, false
	for _, p := range s.Points {
		if math.IsNaN(p.Y) || math.IsNaN(p.X) {
			have = false
			continue
		}
		x, y := f.a.x(p.X, f.w), f.a.y(p.Y, c.h)
		switch {
		case !have:
			c.put(x, y, s.Style, "─")
			px, py, have = x, y, true
			continue
		case x <= px:
			continue // one value a column
		}
		for at := px + 1; at <= x; at++ {
			c.step(at, py, py+(y-py)*(at-px)/(x-px), s.Style)
			py += (y - py) * (at - px) / (x - px)
			px = at
		}
	}
}

// marks puts the mark of a series on its line, at distances.
func (f *frame) marks(c *canvas, s Series) {
	last := -100
	for _, p := range s.Points {
		if math.IsNaN(p.Y) || math.IsNaN(p.X) || s.Marked {
			continue
		}
		if x := f.a.x(p.X, f.w); x-last >= max(12, f.w/6) {
			c.put(x, f.row(c, p.Y), s.Style, s.Mark)
			last = x
		}
	}
}

// row returns the row of cells in which a curve passes a value.
func (f *frame) row(c *canvas, y float64) int {
	_, dots := c.dotsOf(1, c.h)
	return f.a.y(y, dots) * c.h / dots
}

// names writes the names behind the curves' ends, or as near as there is room.
func (f *frame) names(c *canvas, series []Series) {
	type end struct {
		s    *Series
		x, y int
	}
	var ends []end
	for i := range series {
		s := &series[i]
		for k := len(s.Points) - 1; s.Name != "" && k >= 0; k-- {
			if p := s.Points[k]; !math.IsNaN(p.X) && !math.IsNaN(p.Y) {
				ends = append(ends, end{s, f.a.x(p.X, f.w), max(0, min(c.h-1, f.row(c, p.Y)))})
				break
			}
		}
	}
	sort.SliceStable(ends, func(i, j int) bool { return ends[i].y < ends[j].y })
	for _, e := range ends {
		n := text.Width(e.s.Name) + 2
		at := min(e.x+1, c.w-n)
	search:
		for d := range c.h {
			for _, y := range []int{e.y - d, e.y + d} {
				for _, x := range []int{at, c.w - n, at - n} {
					if c.free(x, y, n) {
						c.write(x, y, e.s.Style, e.s.Mark+" "+e.s.Name)
						break search
					}
				}
			}
		}
	}
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
	f, c := newFrame(t, a, w, h, 0)
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
