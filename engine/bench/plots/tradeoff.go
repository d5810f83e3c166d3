package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/llmz/llmz/engine/bench"
)

// kinds are the looks of the sorts of compressors, in the legend's order.
var kinds = []struct {
	kind  bench.Kind
	label string
	color int
	shape draw.GlyphDrawer
	size  vg.Length
}{
	{bench.KindModel, "llmz", 0, draw.CircleGlyph{}, 7},
	{bench.KindClassic, "Go library", 1, draw.PyramidGlyph{}, 7},
	{bench.KindPeer, "program", 2, draw.BoxGlyph{}, 6},
}

// tradeOffs draws a figure per file: ratio against compression speed, both
// logarithmic, with the Pareto front.
func tradeOffs(rows []bench.Row) ([]figure, error) {
	var figures []figure
	for _, file := range files(rows) {
		var points []bench.Row
		for _, r := range best(rows, file) {
			if r.CompressBytesPerSecond > 0 && r.Ratio > 0 {
				points = append(points, r)
			}
		}
		if len(points) < 3 {
			continue
		}
		f, err := tradeOff(file, points)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func tradeOff(file string, rows []bench.Row) (figure, error) {
	p := newPlot(file+": smaller is up, faster is right", "compression speed", "ratio")
	slow, fast, low, high := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, r := range rows {
		slow, fast = math.Min(slow, r.CompressBytesPerSecond), math.Max(fast, r.CompressBytesPerSecond)
		low, high = math.Min(low, r.Ratio), math.Max(high, r.Ratio)
	}
	logAxis(&p.X, slow, fast, 0.12, speedLabel)
	logAxis(&p.Y, low, high, 0.12, ratioLabel)
	addGrid(p, true, true)

	stairs := frontLine(front(rows), p.X.Min, p.Y.Min)
	line, err := plotter.NewLine(stairs)
	if err != nil {
		return figure{}, err
	}
	line.Color, line.Width, line.Dashes = ink, vg.Points(1.5), dashes[1]
	p.Add(line)
	p.Legend.Add("Pareto front", line)

	var names []label
	for _, k := range kinds {
		var xys plotter.XYs
		for _, r := range rows {
			if r.Kind == k.kind {
				xy := plotter.XY{X: r.CompressBytesPerSecond, Y: r.Ratio}
				xys = append(xys, xy)
				names = append(names, label{xy, r.Name()})
			}
		}
		if len(xys) == 0 {
			continue
		}
		s, err := plotter.NewScatter(xys)
		if err != nil {
			return figure{}, err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: palette[k.color], Radius: k.size, Shape: k.shape}
		p.Add(s)
		p.Legend.Add(k.label, s)
	}
	p.Add(labels{names, stairs, text.Style{Color: ink, Font: p.Legend.TextStyle.Font, Handler: p.Legend.TextStyle.Handler}})
	// The front falls to the right, and nothing lies beyond it: the upper right
	// corner is free.
	p.Legend.Top, p.Legend.Left = true, false
	return figure{"speed-ratio-" + slug(file), p, width, height}, nil
}

// front returns the rows that no other row beats in both speed and ratio, the
// fastest first.
func front(rows []bench.Row) []bench.Row {
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b bench.Row) int {
		if a.CompressBytesPerSecond != b.CompressBytesPerSecond {
			if a.CompressBytesPerSecond > b.CompressBytesPerSecond {
				return -1
			}
			return 1
		}
		if a.Ratio > b.Ratio {
			return -1
		}
		return 1
	})
	var out []bench.Row
	for _, r := range sorted {
		if len(out) == 0 || r.Ratio > out[len(out)-1].Ratio {
			out = append(out, r)
		}
	}
	return out
}

// frontLine is the staircase below which everything is beaten.
func frontLine(front []bench.Row, left, bottom float64) plotter.XYs {
	var xys plotter.XYs
	for i, r := range front {
		if i == 0 {
			xys = append(xys, plotter.XY{X: r.CompressBytesPerSecond, Y: bottom})
		} else {
			xys = append(xys, plotter.XY{X: r.CompressBytesPerSecond, Y: front[i-1].Ratio})
		}
		xys = append(xys, plotter.XY{X: r.CompressBytesPerSecond, Y: r.Ratio})
	}
	return append(xys, plotter.XY{X: left, Y: front[len(front)-1].Ratio})
}

// files lists the files of the rows in their order.
func files(rows []bench.Row) []string {
	var out []string
	for _, r := range rows {
		if r.Limit == 0 && !slices.Contains(out, r.File) {
			out = append(out, r.File)
		}
	}
	return out
}

// best returns the rows about a file, of each compressor the fastest one of those
// that chose their lanes themselves: other lanes are another ratio.
func best(rows []bench.Row, file string) []bench.Row {
	var out []bench.Row
	for _, r := range rows {
		if r.File != file || r.Limit != 0 {
			continue
		}
		i := slices.IndexFunc(out, func(o bench.Row) bool { return o.Name() == r.Name() && o.Kind == r.Kind })
		switch {
		case i < 0:
			out = append(out, r)
		case better(&r, &out[i]):
			out[i] = r
		}
	}
	return out
}

func better(a, b *bench.Row) bool {
	if own := a.LanesAsked == 0; own != (b.LanesAsked == 0) {
		return own
	}
	return a.CompressBytesPerSecond > b.CompressBytesPerSecond
}
