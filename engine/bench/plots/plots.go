// Package plots draws the rows of a benchmark as SVG and PNG files: ratio
// against speed, bits per byte along the file, the stages' shares of the time,
// and how speed scales with lanes, threads and size.
//
// Colours are those of Okabe and Ito ("Color Universal Design", 2008), which
// colour-blind readers can tell apart; shapes and dashes repeat what colours say.
// Text is large enough to be read at half size.
package plots

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/outfile"
)

// The palette of Okabe and Ito, most contrast on white first.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 0xFF}, // blue
	color.RGBA{0xD5, 0x5E, 0x00, 0xFF}, // vermillion
	color.RGBA{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	color.RGBA{0xCC, 0x79, 0xA7, 0xFF}, // reddish purple
	color.RGBA{0xE6, 0x9F, 0x00, 0xFF}, // orange
	color.RGBA{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	color.RGBA{0x00, 0x00, 0x00, 0xFF}, // black
	color.RGBA{0xF0, 0xE4, 0x42, 0xFF}, // yellow
}

var (
	ink  = color.RGBA{0x22, 0x22, 0x22, 0xFF}
	grid = color.RGBA{0xDD, 0xDD, 0xDD, 0xFF}
)

// dashes repeat the palette's order for lines.
var dashes = [][]vg.Length{
	nil, {vg.Points(8), vg.Points(4)}, {vg.Points(2), vg.Points(3)}, {vg.Points(10), vg.Points(3), vg.Points(2), vg.Points(3)},
}

// The figures' size. At half of it the smallest text is 8 points high.
const (
	width     = 9 * vg.Inch
	height    = 5.5 * vg.Inch
	dpi       = 144
	titleSize = 19
	labelSize = 17
	tickSize  = 16
)

// A figure is a plot and the name of its files.
type figure struct {
	name          string
	plot          *plot.Plot
	width, height vg.Length
}

// Write draws what the rows allow into dir, as NAME.svg and NAME.png, and
// returns the paths. Rows that failed are left out.
func Write(ctx context.Context, dir string, rows []bench.Row) ([]string, error) {
	var good []bench.Row
	for _, r := range rows {
		if !r.Failed() {
			good = append(good, r)
		}
	}
	var all []figure
	for _, draw := range []func([]bench.Row) ([]figure, error){tradeOffs, curves, stages, scaling} {
		figures, err := draw(good)
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range all {
		svg, png, err := f.render()
		if err != nil {
			return paths, fmt.Errorf("drawing %s: %w", f.name, err)
		}
		for ext, content := range map[string][]byte{".svg": svg, ".png": png} {
			path := filepath.Join(dir, f.name+ext)
			err := outfile.Write(ctx, path, outfile.Options{Replace: true}, outfile.Attributes{}, func(w io.Writer) error {
				_, err := w.Write(content)
				return err
			})
			if err != nil {
				return paths, err
			}
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// render draws the figure in both formats.
func (f figure) render() (svg, png []byte, err error) {
	var b bytes.Buffer
	s := vgsvg.NewWith(vgsvg.UseWH(f.width, f.height))
	f.draw(draw.New(s))
	if _, err := s.WriteTo(&b); err != nil {
		return nil, nil, err
	}
	// Readers seldom have the font by that name, but one of the same widths.
	svg = bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	var img bytes.Buffer
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi))
	f.draw(draw.New(c))
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(io.Writer(&img)); err != nil {
		return nil, nil, err
	}
	return svg, img.Bytes(), nil
}

// margin is the free space around a figure.
const margin = 12

// draw draws the figure on paper with a margin.
func (f figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	f.plot.Draw(draw.Crop(c, margin, -margin, margin, -margin))
}

// newPlot returns an empty plot in the house style.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	sans := func(size float64) text.Style {
		return text.Style{Color: ink, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Length(size)), Handler: plot.DefaultTextHandler}
	}
	p.BackgroundColor = color.White
	p.Title.Text = title
	p.Title.TextStyle = sans(titleSize)
	p.Title.TextStyle.XAlign, p.Title.TextStyle.YAlign = draw.XCenter, draw.YTop
	p.Title.Padding = vg.Points(10)
	for _, axis := range []struct {
		a     *plot.Axis
		label string
	}{{&p.X, x}, {&p.Y, y}} {
		axis.a.Label.Text = axis.label
		rotation, xa, ya := axis.a.Label.TextStyle.Rotation, axis.a.Label.TextStyle.XAlign, axis.a.Label.TextStyle.YAlign
		axis.a.Label.TextStyle = sans(labelSize)
		axis.a.Label.TextStyle.Rotation, axis.a.Label.TextStyle.XAlign, axis.a.Label.TextStyle.YAlign = rotation, xa, ya
		axis.a.Label.Padding = vg.Points(6)
		xa, ya = axis.a.Tick.Label.XAlign, axis.a.Tick.Label.YAlign
		axis.a.Tick.Label = sans(tickSize)
		axis.a.Tick.Label.XAlign, axis.a.Tick.Label.YAlign = xa, ya
		axis.a.LineStyle.Color, axis.a.Tick.LineStyle.Color = ink, ink
		axis.a.LineStyle.Width = vg.Points(1)
	}
	p.Legend.TextStyle = sans(tickSize)
	p.Legend.Top = true
	p.Legend.ThumbnailWidth = vg.Points(34)
	p.Legend.Padding = vg.Points(6)
	return p
}

// slug makes a part of a file name of a label.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	s = strings.ReplaceAll(s, ".", "-")
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return strings.Trim(s, "-")
}
