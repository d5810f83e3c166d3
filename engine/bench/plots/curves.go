package plots

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/llmz/llmz/engine/bench"
)

// curves draws a figure per file: the bits per byte of everything up to a place
// in it, for each model.
func curves(rows []bench.Row) ([]figure, error) {
	var figures []figure
	for _, file := range files(rows) {
		p := newPlot(file+": bits per byte so far", "bytes coded", "BPC")
		lines := 0
		high, right := 0.0, 0.0 // the highest value, and that beside the legend
		addGrid(p, false, true)
		for _, r := range best(rows, file) {
			xys := soFar(r.Curve, r.OriginalBytes)
			if len(xys) < 3 {
				continue
			}
			for _, xy := range xys {
				high = math.Max(high, xy.Y)
				if xy.X > 0.7*float64(r.OriginalBytes) {
					right = math.Max(right, xy.Y)
				}
			}
			if err := addLine(p, r.Name(), xys, lines, false); err != nil {
				return nil, err
			}
			lines++
		}
		if lines == 0 {
			continue
		}
		free := 1 - math.Min(0.075*float64(lines), 0.5) // of the height, below the legend
		p.X.Min, p.Y.Min, p.Y.Max = 0, 0, math.Min(math.Max(high*1.05, right/free), 9)
		p.X.Tick.Marker = linearTicks{bytesLabel}
		p.Y.Tick.Marker = halves{}
		figures = append(figures, figure{"bpc-" + slug(file), p, width, height})
	}
	return figures, nil
}

// halves marks every half bit, or every bit of many.
type halves struct{}

// Ticks implements plot.Ticker.
func (halves) Ticks(lo, hi float64) []plot.Tick {
	step := 0.5
	if hi-lo > 4 {
		step = 1
	}
	var ticks []plot.Tick
	for v := math.Ceil(lo/step) * step; v <= hi; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', 1, 64)})
	}
	return ticks
}

// soFar turns a row's samples into bits per byte so far. The first hundredth
// says little but would set the scale.
func soFar(curve [][2]int64, total int64) plotter.XYs {
	var xys plotter.XYs
	for _, s := range curve {
		if s[0] > 0 && s[0]*100 >= total {
			xys = append(xys, plotter.XY{X: float64(s[0]), Y: 8 * float64(s[1]) / float64(s[0])})
		}
	}
	return xys
}

// addLine adds a line in the i-th colour and dash to a plot and its legend.
func addLine(p *plot.Plot, name string, xys plotter.XYs, i int, points bool) error {
	line, err := plotter.NewLine(xys)
	if err != nil {
		return err
	}
	line.Color = palette[i%len(palette)]
	line.Width = vg.Points(3)
	line.Dashes = dashes[i%len(dashes)]
	p.Add(line)
	if !points {
		p.Legend.Add(name, line)
		return nil
	}
	dots, err := plotter.NewScatter(xys)
	if err != nil {
		return err
	}
	dots.Color = line.Color
	dots.Shape = kinds[i%len(kinds)].shape
	dots.Radius = vg.Points(5)
	p.Add(dots)
	p.Legend.Add(name, line, dots)
	return nil
}
