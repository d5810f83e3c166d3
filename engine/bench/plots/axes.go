package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// logTicks marks a logarithmic axis at powers of ten or, where it spans little,
// at 1, 2 and 5 times those, with labels for people.
type logTicks struct{ label func(float64) string }

// Ticks implements plot.Ticker.
func (t logTicks) Ticks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi / lo)
	labelled := []int{10} // tenths of the power of ten
	switch {
	case decades < 0.3:
		labelled = []int{10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 25, 28, 30, 32, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95}
	case decades < 0.4:
		labelled = []int{10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90}
	case decades < 0.8:
		labelled = []int{10, 15, 20, 30, 40, 50, 60, 80}
	case decades < 2.5:
		labelled = []int{10, 20, 50}
	}
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 10; m < 100; m++ {
			v := float64(m) / 10 * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			switch {
			case slices.Contains(labelled, m):
				ticks = append(ticks, plot.Tick{Value: v, Label: t.label(v)})
			case m%10 == 0:
				ticks = append(ticks, plot.Tick{Value: v})
			}
		}
	}
	return ticks
}

// linearTicks labels plot's own choice of ticks for people.
type linearTicks struct{ label func(float64) string }

// Ticks implements plot.Ticker.
func (t linearTicks) Ticks(lo, hi float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(lo, hi)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = t.label(ticks[i].Value)
		}
	}
	return ticks
}

// speedLabel writes bytes per second: "20 kB/s".
func speedLabel(v float64) string { return siLabel(v, "B/s") }

// bytesLabel writes a number of bytes: "20 kB".
func bytesLabel(v float64) string { return siLabel(v, "B") }

func siLabel(v float64, unit string) string {
	switch {
	case v >= 1e9:
		return short(v/1e9) + " G" + unit
	case v >= 1e6:
		return short(v/1e6) + " M" + unit
	case v >= 1e3:
		return short(v/1e3) + " k" + unit
	}
	return short(v) + " " + unit
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func ratioLabel(v float64) string { return short(v) + "×" }

func percentLabel(v float64) string { return fmt.Sprintf("%.0f%%", v) }

// addGrid draws the grid behind everything else.
func addGrid(p *plot.Plot, vertical, horizontal bool) {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = nil, nil
	if vertical {
		g.Vertical.Color, g.Vertical.Width = grid, vg.Points(0.7)
	}
	if horizontal {
		g.Horizontal.Color, g.Horizontal.Width = grid, vg.Points(0.7)
	}
	p.Add(g)
}

// logAxis makes an axis logarithmic, with some room around lo and hi, both
// above 0.
func logAxis(a *plot.Axis, lo, hi, room float64, label func(float64) string) {
	span := math.Max(math.Log10(hi/lo), 0.1)
	a.Min, a.Max = lo/math.Pow(10, room*span), hi*math.Pow(10, room*span)
	a.Scale = plot.LogScale{}
	a.Tick.Marker = logTicks{label}
	a.AutoRescale = false
}
