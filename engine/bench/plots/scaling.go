package plots

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/llmz/llmz/engine/bench"
)

// scaling draws the speed against what was varied: the number of threads, of
// lanes, the size of the input.
func scaling(rows []bench.Row) ([]figure, error) {
	var figures []figure
	for _, axis := range []struct {
		name, label string
		x           func(*bench.Row) float64
		tick        func(float64) string
		among       func(*bench.Row) bool
		group       func(*bench.Row) string // what is held fixed beside the model
	}{
		{
			"threads", "threads", func(r *bench.Row) float64 { return float64(r.AskedThreads()) }, short,
			func(r *bench.Row) bool { return r.Limit == 0 && r.LanesAsked == 0 }, func(r *bench.Row) string { return r.File },
		},
		{
			"lanes", "lanes", func(r *bench.Row) float64 { return float64(r.Lanes) }, short,
			func(r *bench.Row) bool { return r.Limit == 0 && r.LanesAsked > 0 },
			func(r *bench.Row) string { return r.File + "|" + strconv.Itoa(r.AskedThreads()) },
		},
		{
			"size", "size of the input", func(r *bench.Row) float64 { return float64(r.OriginalBytes) }, bytesLabel,
			func(r *bench.Row) bool { return r.Limit > 0 && r.LanesAsked == 0 },
			func(r *bench.Row) string { return strconv.Itoa(r.AskedThreads()) },
		},
	} {
		lines := make(map[string]plotter.XYs)
		var order []string
		for i := range rows {
			r := &rows[i]
			if r.Rot13 || r.Kind != bench.KindModel && axis.name != "size" || !axis.among(r) || axis.x(r) <= 0 || r.CompressBytesPerSecond <= 0 {
				continue
			}
			k := r.Name() + "|" + r.Where() + "|" + axis.group(r)
			if lines[k] == nil {
				order = append(order, k)
			}
			if !slices.ContainsFunc(lines[k], func(xy plotter.XY) bool { return xy.X == axis.x(r) }) {
				lines[k] = append(lines[k], plotter.XY{X: axis.x(r), Y: r.CompressBytesPerSecond})
			}
		}
		order = slices.DeleteFunc(order, func(k string) bool { return len(lines[k]) < 2 })
		if len(order) == 0 {
			continue
		}
		p := newPlot("speed against "+axis.label, axis.label, "compression speed")
		addGrid(p, true, true)
		first := lines[order[0]][0]
		lo, hi := first, first
		for i, k := range order {
			xys := lines[k]
			slices.SortFunc(xys, func(a, b plotter.XY) int { return int(a.X - b.X) })
			for _, xy := range xys {
				lo.X, hi.X, lo.Y, hi.Y = min(lo.X, xy.X), max(hi.X, xy.X), min(lo.Y, xy.Y), max(hi.Y, xy.Y)
			}
			if err := addLine(p, lineName(k, order), xys, i, true); err != nil {
				return nil, err
			}
		}
		logAxis(&p.X, lo.X, hi.X, 0.06, axis.tick)
		if axis.name != "size" {
			p.X.Tick.Marker = measured(lines)
		}
		logAxis(&p.Y, lo.Y, hi.Y, 0.12, speedLabel)
		p.Legend.Top, p.Legend.Left = true, true
		p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, 0.08*float64(len(order))) // room for the legend
		figures = append(figures, figure{"scaling-" + axis.name, p, width, height})
	}
	return figures, nil
}

// measured marks the numbers that were measured, which is all there is between
// them.
func measured(lines map[string]plotter.XYs) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, xys := range lines {
		for _, xy := range xys {
			if !slices.ContainsFunc(ticks, func(t plot.Tick) bool { return t.Value == xy.X }) {
				ticks = append(ticks, plot.Tick{Value: xy.X, Label: short(xy.X)})
			}
		}
	}
	slices.SortFunc(ticks, func(a, b plot.Tick) int { return cmp.Compare(a.Value, b.Value) })
	return ticks
}

// lineName returns a line's model, and the parts of its key that tell it from other
// lines of this model.
func lineName(key string, all []string) string {
	parts := splitKey(key)
	name := parts[0]
	for i := 1; i < len(parts); i++ {
		for _, other := range all {
			if o := splitKey(other); o[0] == parts[0] && i < len(o) && o[i] != parts[i] && parts[i] != "" {
				name += ", " + parts[i]
				break
			}
		}
	}
	return name
}

func splitKey(key string) []string { return strings.Split(key, "|") }
