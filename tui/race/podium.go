package race

import (
	"fmt"
	"strconv"

	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/text"
)

// finish draws a race that is over in h lines: the podium, notes, and the
// scatter plot of ratio against speed.
func (v *view) finish(h int) []string {
	table := v.podium(v.w)
	if v.w >= 132 {
		// Side by side.
		table = v.podium(v.w * 3 / 5)
		rows := append(table, v.notes(v.w*3/5)...)
		if c := v.curves(v.w*3/5-2, min(h-len(rows)-2, 24)); c != nil {
			rows = append(append(rows, "", v.t.Rule("BPC over the file", v.w*3/5)), indent(c)...)
		}
		left := text.Block(rows, v.w*3/5, h)
		right := v.scatter(v.w-v.w*3/5-3, min(h-1, 30))
		if right != nil {
			right = append([]string{v.t.Rule("ratio against speed", v.w-v.w*3/5-3)}, right...)
			return text.Beside(left, right, "   ")
		}
	}
	out := table
	if len(out) > h {
		return out[:h]
	}
	notes := v.notes(v.w)
	room := h - len(out) - len(notes)
	if s := v.scatter(v.w-2, min(room-1, 30)); s != nil {
		out = append(out, v.t.Rule("ratio against speed", v.w))
		out = append(out, indent(s)...)
	}
	return append(out, notes...)
}

// podium draws the table of results, best first.
func (v *view) podium(w int) []string {
	t := v.t
	nw := 6
	for i := range v.lanes {
		nw = max(nw, text.Width(v.lanes[i].name))
	}
	nw = min(nw, max(8, w/4))
	type col struct {
		head string
		w    int
		of   func(l *laneView) string
	}
	all := []col{
		{"bytes", 12, func(l *laneView) string { return text.Count(l.forth.Compressed) }},
		{"ratio", 8, func(l *laneView) string { return text.Ratio(l.forth.Ratio()) }},
		{"BPC", 8, func(l *laneView) string { return text.Fixed(l.forth.BPC(), 3) }},
		{"forth", 11, func(l *laneView) string { return text.Rate(l.forth.Average) }},
		{"back", 11, func(l *laneView) string { return text.Rate(l.back.Average) }},
		{"time", 9, func(l *laneView) string { return text.Seconds(l.forth.Elapsed + l.back.Elapsed) }},
	}
	const head = 7
	var cols []col
	room := w - head - nw
	for _, i := range []int{0, 2, 1, 3, 4, 5} {
		if room -= all[i].w; room < 0 {
			break
		}
		cols = append(cols, all[i])
	}
	line := text.Spaces(head) + text.Fit("", nw)
	for _, c := range cols {
		line += text.FitRight(c.head, c.w)
	}
	out := []string{t.Muted.Render(text.Fit(line, w))}
	size, speed := leaders(v.lanes)
	place := 0
	for _, i := range ranking(v.lanes) {
		l := &v.lanes[i]
		style, mark := t.Line(l.index)
		medal := ""
		if l.finished() {
			medal = strconv.Itoa(place + 1)
			if place < len(t.Glyph.Medals) {
				medal = t.Glyph.Medals[place]
			}
			place++
		}
		row := " " + text.Fit(medal, 3) + " " + style.Render(mark) + " "
		if place == 1 && l.finished() {
			row += t.Strong.Render(text.FitMiddle(l.name, nw))
		} else {
			row += text.FitMiddle(l.name, nw)
		}
		err := l.failed()
		switch {
		case l.missing != "":
			row += "  " + t.Warn.Render(text.Cut("not here: "+l.missing, w-head-nw-2))
		case err != nil:
			why := text.Wrap(reason(err), w-head-nw-2)
			for _, line := range why[:len(why)-1] {
				out = append(out, text.Fit(row+"  "+t.Bad.Render(line), w))
				row = text.Spaces(head + nw)
			}
			row += "  " + t.Bad.Render(why[len(why)-1])
		default:
			for _, c := range cols {
				cell := text.FitRight(c.of(l), c.w)
				if c.head == "BPC" && i == size || c.head == "forth" && i == speed {
					cell = t.Good.Render(cell)
				}
				row += cell
			}
		}
		out = append(out, text.Fit(row, w))
	}
	return append(out, "")
}

func (v *view) notes(w int) []string {
	var out []string
	if !v.sequential && len(v.lanes) > 1 {
		out = append(out, "They shared the machine; llmz race --sequential measures them one by one.")
	}
	for i := range v.lanes {
		if l := &v.lanes[i]; l.note != "" && l.missing == "" {
			out = append(out, fmt.Sprintf("%s: %s", l.name, l.note))
		}
	}
	var lines []string
	for _, n := range out {
		for i, l := range text.Wrap(n, max(20, w-4)) {
			lines = append(lines, v.t.Muted.Render(text.Cut(text.Spaces(1+2*min(i, 1))+l, w)))
		}
	}
	return lines
}

func (v *view) scatter(w, h int) []string {
	var points []chart.Label
	for i := range v.lanes {
		l := &v.lanes[i]
		if !l.finished() || l.forth.Average <= 0 || l.forth.Ratio() <= 0 {
			continue
		}
		style, mark := v.t.Line(l.index)
		points = append(points, chart.Label{XY: chart.XY{X: l.forth.Average, Y: l.forth.Ratio()}, Name: l.name, Style: style, Mark: mark})
	}
	if len(points) < 2 {
		return nil
	}
	return chart.Scatter(v.t, points, chart.Axes{LogX: true, XLabel: "speed, log scale",
		XFormat: text.Rate, YFormat: text.Ratio}, w, h)
}
