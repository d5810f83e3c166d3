package race

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// view is everything a frame of the race depends on.
type view struct {
	t          *theme.Theme
	name       string
	size       int64
	sequential bool
	lanes      []laneView
	elapsed    time.Duration
	w, h       int
	selected   int
	stopping   bool
	paused     bool
	keys       string // the help line
	plain      bool   // no selection: for text that stays
}

// over is whether the race is.
func (v *view) over() bool {
	for i := range v.lanes {
		if !v.lanes[i].over() {
			return false
		}
	}
	return true
}

// lines draws the whole screen: exactly v.h lines of v.w cells.
func (v *view) lines() []string {
	if v.w < 24 || v.h < 4 {
		return text.Block([]string{text.Cut("llmz race: too small", v.w)}, v.w, v.h)
	}
	out := []string{v.header()}
	if v.over() {
		out = append(out, v.finish(v.h-2)...)
	} else {
		out = append(out, v.running(v.h-2)...)
	}
	out = text.Block(out, v.w, v.h-1)
	return append(out, text.Fit(v.keys, v.w))
}

func (v *view) header() string {
	done, all := 0, 0
	for i := range v.lanes {
		if v.lanes[i].missing != "" {
			continue
		}
		all++
		if v.lanes[i].over() {
			done++
		}
	}
	how := "side by side"
	if v.sequential {
		how = "one by one"
	}
	right := fmt.Sprintf("%d of %d done %s %s ", done, all, v.t.Glyph.Dot, text.Clock(v.elapsed))
	switch {
	case v.stopping && !v.over():
		right = "stopping "
	case v.paused && !v.over():
		right = v.t.Glyph.Paused + " paused " + v.t.Glyph.Dot + " " + right
	case v.w-text.Width(right)-text.Width(how)-31 >= text.Width(v.name):
		right = how + " " + v.t.Glyph.Dot + " " + right
	}
	room := v.w - text.Width(right) - 12
	left := " " + v.t.Brand.Render("llmz race") + "  " + v.t.Strong.Render(text.CutMiddle(text.Clean(v.name), max(8, room-16)))
	if v.w >= 60 {
		left += v.t.Muted.Render("  " + text.Count(v.size) + " bytes")
	}
	return text.Ends(left, v.t.Muted.Render(right), v.w)
}

// running draws the race under way in h lines: lanes, leaders, curves, stages.
func (v *view) running(h int) []string {
	var out []string
	rows := v.rows()
	if len(rows) > h-1 {
		first := max(0, min(v.selected-(h-1)/2, len(rows)-(h-1)))
		rows = rows[first : first+h-1]
	}
	out = append(out, v.rowHead())
	out = append(out, rows...)
	if h-len(out) >= 2 {
		out = append(out, v.leaderLine())
	}
	out = append(out, v.failures(h-len(out))...)
	left := h - len(out)
	stages := v.stages(left)
	if c := v.curves(v.w-2, left-len(stages)-1); c != nil {
		out = append(out, v.t.Rule("BPC over the file", v.w))
		out = append(out, indent(c)...)
	} else if left-len(stages) > 0 {
		out = append(out, "")
	}
	return append(out, stages...)
}

// Columns of a lane. Those that do not fit are left out, the bar takes the rest.
type columns struct{ name, bar, bpc, now, bytes, speed, time int }

func (v *view) columns() columns {
	c := columns{name: 6, bpc: 7}
	for i := range v.lanes {
		c.name = max(c.name, text.Width(v.lanes[i].name))
	}
	c.name = min(c.name, max(8, v.w/4))
	rest := v.w - 3 - c.name - 1 - 10 - c.bpc
	take := func(dst *int, n, keep int) {
		if rest-n >= keep {
			*dst = n
			rest -= n
		}
	}
	take(&c.speed, 11, 8)
	take(&c.bytes, 12, 8)
	take(&c.now, 7, 10)
	take(&c.time, 8, 10)
	c.bar = max(0, rest-1)
	return c
}

func (v *view) rowHead() string {
	c := v.columns()
	s := "   " + text.Fit("", c.name) + " " + text.Spaces(c.bar) + text.FitRight("done", 10) + text.FitRight("BPC", c.bpc)
	for _, col := range []struct {
		name string
		w    int
	}{{"now", c.now}, {"bytes", c.bytes}, {"speed", c.speed}, {"time", c.time}} {
		s += text.FitRight(col.name, col.w)
	}
	return v.t.Muted.Render(text.Fit(s, v.w))
}

func (v *view) rows() []string {
	size, speed := leaders(v.lanes)
	var out []string
	for i := range v.lanes {
		out = append(out, v.row(&v.lanes[i], i == size, i == speed))
	}
	return out
}

// row draws a lane in one line.
func (v *view) row(l *laneView, smallest, fastest bool) string {
	t, c := v.t, v.columns()
	style, mark := t.Line(l.index)
	cursor := " "
	if l.index == v.selected && !v.plain {
		cursor = t.Accent.Render(t.Glyph.Cursor)
	}
	head := cursor + style.Render(mark) + " " + text.FitMiddle(l.name, c.name) + " "
	room := v.w - text.Width(head)
	if l.missing != "" {
		return head + t.Warn.Render(text.Fit("not here: "+l.missing, room))
	}
	if err := l.failed(); err != nil {
		return head + t.Bad.Render(text.Fit(reason(err), room))
	}
	s := l.active()
	var bar string
	switch {
	case l.over():
		bar = text.Fit(t.Good.Render(t.Glyph.Done+" done"), c.bar)
	case s == &l.back:
		bar = chart.Bar(t, t.Good, s.Fraction(), c.bar)
	case s.State == feed.Waiting:
		bar = t.Muted.Render(text.Fit(t.Glyph.Waiting+" waiting", c.bar))
	case s.State == feed.Paused:
		bar = chart.Bar(t, t.Warn, s.Fraction(), c.bar)
	default:
		bar = chart.Bar(t, style, s.Fraction(), c.bar)
	}
	pct := text.Percent(s.Fraction())
	if s == &l.back && !l.over() {
		pct = "back " + pct
	}
	emph := func(on bool, s string) string {
		if on {
			return t.Good.Render(s)
		}
		return s
	}
	bytes := "-"
	if l.forth.Compressed > 0 {
		bytes = text.Count(l.forth.Compressed)
	}
	// What is over shows its way forth: that is what the leaders lead in.
	now, speed, elapsed := s.Recent, s.Average, s.Elapsed
	if l.over() {
		now, speed, elapsed = 0, l.forth.Average, l.forth.Elapsed
	}
	line := head + bar + text.FitRight(pct, 10) + emph(smallest, text.FitRight(text.Fixed(l.bpc(), 3), c.bpc))
	line += t.Muted.Render(text.FitRight(text.Fixed(now, 2), c.now)) + text.FitRight(bytes, c.bytes)
	line += emph(fastest && s == &l.forth || fastest && l.over(), text.FitRight(text.Rate(speed), c.speed)) + t.Muted.Render(text.FitRight(text.Seconds(elapsed), c.time))
	return text.Fit(line, v.w)
}

func (v *view) leaderLine() string {
	size, speed := leaders(v.lanes)
	if size < 0 || speed < 0 {
		return ""
	}
	t := v.t
	a := t.Muted.Render("smallest so far ") + t.Good.Render(v.lanes[size].name) + t.Muted.Render(" at "+text.Fixed(v.lanes[size].bpc(), 3)+" BPC")
	b := t.Muted.Render("fastest ") + t.Good.Render(v.lanes[speed].name) + t.Muted.Render(" at "+text.Rate(v.lanes[speed].forth.Average))
	return text.Fit(" "+a+t.Muted.Render("   ")+b, v.w)
}

// failures tells in at most h lines of those whose reasons do not fit into their rows.
func (v *view) failures(h int) []string {
	var out []string
	for i := range v.lanes {
		l := &v.lanes[i]
		why := reason(l.failed())
		if why == "" || l.missing != "" || text.Width(why) <= v.w-v.columns().name-4 {
			continue
		}
		for _, line := range text.Wrap(l.name+": "+why, v.w-2) {
			out = append(out, " "+v.t.Bad.Render(line))
		}
	}
	return out[:min(len(out), max(0, h))]
}

// curves draws the BPC of all lanes over the file.
func (v *view) curves(w, h int) []string {
	var series []chart.Series
	for i := range v.lanes {
		l := &v.lanes[i]
		style, mark := v.t.Line(l.index)
		s := chart.Series{Style: style, Mark: mark, Name: text.CutMiddle(text.Clean(l.name), 16)}
		if b := l.bpc(); b > 0 {
			s.Name += " " + text.Fixed(b, 2)
		}
		x, y := l.forth.Running(2 * max(1, w))
		for j := range x {
			s.Points = append(s.Points, chart.XY{X: x[j], Y: y[j]})
		}
		if len(l.forth.Curve) < 4 && l.forth.State == feed.Done {
			// It wrote everything at the end: a level line shows where that was.
			s.Points = []chart.XY{{X: 0, Y: l.forth.BPC()}, {X: 1, Y: l.forth.BPC()}}
		}
		if len(s.Points) > 0 {
			series = append(series, s)
		}
	}
	if len(series) == 0 {
		return nil
	}
	lo, hi := curveRange(series)
	return chart.Plot(v.t, series, chart.Axes{XTo: 1, YFrom: lo, YTo: hi, XLabel: "part of the file", YLabel: "BPC", XFormat: text.Percent,
		YFormat: func(v float64) string { return text.Fixed(v, 2) }}, w, h)
}

// curveRange leaves out the first stretch of each curve, where nothing has been
// learnt yet and which would press all the rest into a few lines.
func curveRange(series []chart.Series) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, s := range series {
		for i, p := range s.Points {
			if math.IsNaN(p.X) || p.X < 0.04 && len(s.Points) > 8 && i < len(s.Points)*3/4 {
				continue
			}
			lo, hi = min(lo, p.Y), max(hi, p.Y)
		}
	}
	if lo > hi {
		return 0, 0
	}
	pad := max((hi-lo)*0.06, 0.02)
	return max(0, lo-pad), hi + pad
}

// stages draws the stage profiles: of all lanes where h allows it, otherwise of
// the selected one.
func (v *view) stages(h int) []string {
	var with []*laneView
	nw := 0
	for i := range v.lanes {
		if l := &v.lanes[i]; l.missing == "" && len(l.active().Shares()) > 0 {
			with = append(with, l)
			nw = max(nw, text.Width(l.name))
		}
	}
	line := func(l *laneView) string {
		shares := l.active().Shares()
		style, mark := v.t.Line(l.index)
		bw := max(8, v.w/5)
		return text.Fit(" "+style.Render(mark)+" "+text.Fit(l.name, nw)+" "+chart.StageBar(v.t, shares, bw)+" "+
			chart.StageLegend(v.t, shares, v.w-bw-nw-5), v.w)
	}
	if len(with) == 0 || h < 4 {
		return nil
	}
	out := []string{v.t.Rule("where the time goes", v.w)}
	if h >= len(with)+12 {
		for _, l := range with {
			out = append(out, line(l))
		}
		return out
	}
	for _, l := range with {
		if l.index == v.selected {
			return append(out, line(l))
		}
	}
	return append(out, line(with[0]))
}

func indent(lines []string) []string {
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines
}

func reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return text.Clean(err.Error())
}
