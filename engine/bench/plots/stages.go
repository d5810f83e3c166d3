package plots

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/llmz/llmz/engine/bench"
)

// stageNames are the stages that a figure tells apart; the others are "other".
var stageNames = []string{"model_infer", "state_update", "mix", "arith_encode", "tokenize", "read_file", "write_file", "other"}

// leastShare is the share below which a stage is not worth a colour.
const leastShare = 0.005

// stages draws, for the largest file, where the models' time goes: a bar of
// shares for each.
func stages(rows []bench.Row) ([]figure, error) {
	var models []bench.Row
	var size int64
	for _, r := range rows {
		if r.Kind == bench.KindModel && len(r.Profile) > 0 && r.Limit == 0 {
			size = max(size, r.OriginalBytes)
		}
	}
	var file string
	for _, f := range files(rows) {
		for _, r := range best(rows, f) {
			if r.Kind == bench.KindModel && r.OriginalBytes == size && len(r.Profile) > 0 && (file == "" || file == f) {
				file = f
				models = append(models, r)
			}
		}
	}
	if len(models) == 0 {
		return nil, nil
	}
	slices.Reverse(models) // the first one is to be on top
	p := newPlot(file+": where the time goes", "share of the time", "")
	names := make([]string, len(models))
	used := usedStages(models)
	var below *plotter.BarChart
	var entries []rowEntry
	for i, stage := range used {
		values := make(plotter.Values, len(models))
		for j, r := range models {
			names[j] = r.Name()
			values[j] = 100 * shares(r.Profile, used)[stage]
		}
		bar, err := plotter.NewBarChart(values, vg.Points(min(34, 200/float64(len(models)))))
		if err != nil {
			return nil, err
		}
		bar.Horizontal = true
		bar.Color = palette[i%len(palette)]
		bar.LineStyle.Width, bar.LineStyle.Color = vg.Points(1), p.BackgroundColor
		if below != nil {
			bar.StackOn(below)
		}
		below = bar
		p.Add(bar)
		entries = append(entries, rowEntry{bar.Color, stage})
	}
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, 100
	p.X.Tick.Marker = linearTicks{percentLabel}
	p.Y.Min, p.Y.Max = -0.6, float64(len(models))-0.4
	p.Y.Max += 0.9
	p.Add(rowLegend{entries, p.Legend.TextStyle})
	return []figure{{"stages-" + slug(file), p, width, vg.Length(2.6+0.62*float64(len(models))) * vg.Inch}}, nil
}

// rowLegend is a legend in lines across the top of a plot.
type rowLegend struct {
	entries []rowEntry
	style   text.Style
}

type rowEntry struct {
	color color.Color
	text  string
}

// Plot implements plot.Plotter.
func (l rowLegend) Plot(c draw.Canvas, _ *plot.Plot) {
	const box, gap = 14, 7
	x, y := c.Min.X, c.Max.Y-box
	for _, e := range l.entries {
		w := box + gap + l.style.Width(e.text)
		if x+w > c.Max.X {
			x, y = c.Min.X, y-1.6*box
		}
		c.SetColor(e.color)
		c.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + box, Y: y + box}}.Path())
		c.FillText(l.style, vg.Point{X: x + box + gap, Y: y}, e.text)
		x += w + 3*gap
	}
}

// usedStages lists the stages that are worth a colour, in the order of work,
// and "other" if anything is left.
func usedStages(rows []bench.Row) []string {
	var used []string
	for _, s := range stageNames {
		for _, r := range rows {
			if total := sum(r.Profile); s == "other" || total > 0 && r.Profile[s]/total >= leastShare {
				used = append(used, s)
				break
			}
		}
	}
	return used
}

// shares returns the shares of the used stages; what is left goes to "other".
func shares(profile map[string]float64, used []string) map[string]float64 {
	total := sum(profile)
	out := make(map[string]float64)
	for s, t := range profile {
		if !slices.Contains(used, s) {
			s = "other"
		}
		out[s] += t / total
	}
	return out
}

func sum(profile map[string]float64) float64 {
	var total float64
	for _, t := range profile {
		total += t
	}
	return total
}
