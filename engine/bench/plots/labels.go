package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// label is a name beside a point.
type label struct {
	at   plotter.XY
	text string
}

// labels writes names beside points, each where it covers least of what is
// there already, with a thin line to the point where that is not near.
type labels struct {
	all   []label
	lines plotter.XYs // a line along the axes that is better not covered
	style text.Style
}

// gap is the distance of a label from its point's centre, far the one from which a
// line is needed.
const (
	gap = 10
	far = 2.2 * gap
)

// Plot implements plot.Plotter.
func (l labels) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	var taken []vg.Rectangle
	points := make([]vg.Point, len(l.all))
	for i, n := range l.all {
		points[i] = vg.Point{X: trX(n.at.X), Y: trY(n.at.Y)}
		taken = append(taken, around(points[i], gap-3))
	}
	for i := 1; i < len(l.lines); i++ {
		a, b := l.lines[i-1], l.lines[i]
		r := vg.Rectangle{Min: vg.Point{X: trX(min(a.X, b.X)), Y: trY(min(a.Y, b.Y))}, Max: vg.Point{X: trX(max(a.X, b.X)), Y: trY(max(a.Y, b.Y))}}
		r.Min, r.Max = r.Min.Sub(vg.Point{X: 2, Y: 2}), r.Max.Add(vg.Point{X: 2, Y: 2})
		taken = append(taken, r)
	}
	for i, n := range l.all {
		w, h := l.style.Width(n.text), l.style.Height(n.text)
		place := l.place(c.Rectangle, points[i], w, h, taken)
		taken = append(taken, place)
		end := vg.Point{X: clamp(points[i].X, place.Min.X, place.Max.X), Y: clamp(points[i].Y, place.Min.Y, place.Max.Y)}
		if d := end.Sub(points[i]); math.Hypot(float64(d.X), float64(d.Y)) > far {
			c.StrokeLine2(draw.LineStyle{Color: l.style.Color, Width: vg.Points(0.5)}, points[i].X, points[i].Y, end.X, end.Y)
		}
		c.FillText(l.style, place.Min, n.text)
	}
}

// place returns the rectangle for a text of that size near pt which overlaps
// the taken ones and the canvas's edge least.
func (l labels) place(canvas vg.Rectangle, pt vg.Point, w, h vg.Length, taken []vg.Rectangle) vg.Rectangle {
	at := func(x, y vg.Length) vg.Rectangle {
		return vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + w, Y: y + h}}
	}
	var choices []vg.Rectangle
	for _, d := range []vg.Length{gap, 2 * gap, 3.2 * gap, 4.5 * gap, 6 * gap} {
		choices = append(choices,
			at(pt.X+d, pt.Y-h/2), at(pt.X-d-w, pt.Y-h/2), at(pt.X-w/2, pt.Y+d), at(pt.X-w/2, pt.Y-d-h),
			at(pt.X+0.7*d, pt.Y+0.6*d), at(pt.X-0.7*d-w, pt.Y+0.6*d), at(pt.X+0.7*d, pt.Y-0.6*d-h), at(pt.X-0.7*d-w, pt.Y-0.6*d-h))
	}
	best, least := choices[0], vg.Length(-1)
	for i, r := range choices {
		cost := vg.Length(i) // nearer places come first
		for _, t := range taken {
			cost += 10 * overlap(r, t)
		}
		cost += 1000 * (w*h - overlap(r, canvas)) // outside
		if least < 0 || cost < least {
			best, least = r, cost
		}
	}
	return best
}

func around(p vg.Point, r vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: p.X - r, Y: p.Y - r}, Max: vg.Point{X: p.X + r, Y: p.Y + r}}
}

func clamp(x, low, high vg.Length) vg.Length { return min(max(x, low), high) }

// overlap returns the area that two rectangles share.
func overlap(a, b vg.Rectangle) vg.Length {
	w := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	h := min(a.Max.Y, b.Max.Y) - max(a.Min.Y, b.Min.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h
}
