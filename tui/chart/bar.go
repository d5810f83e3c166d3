// Package chart draws bars, sparklines, curves and scatter plots out of
// characters, with three sets of them: braille, blocks and plain ASCII.
//
// Determinism class: pure functions of their arguments.
package chart

import (
	"math"
	"strings"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// Bar draws a bar of w cells, filled by f (0 to 1).
func Bar(t *theme.Theme, fill theme.Style, f float64, w int) string {
	if w <= 0 {
		return ""
	}
	if math.IsNaN(f) || f < 0 {
		f = 0
	}
	f = min(f, 1)
	parts := len(t.Glyph.Parts) + 1
	units := int(f * float64(w*parts))
	full, part := units/parts, units%parts
	s := strings.Repeat(t.Glyph.Full, full)
	if part > 0 {
		s += t.Glyph.Parts[part-1]
		full++
	}
	return fill.Render(s) + t.Faint.Render(strings.Repeat(t.Glyph.Empty, w-full))
}

// Length draws a thin line as long as the part f of w cells, to compare sizes with:
// what is not there leaves no trace, as it would in a bar of progress.
func Length(t *theme.Theme, style theme.Style, f float64, w int) string {
	if w <= 0 {
		return ""
	}
	if math.IsNaN(f) {
		f = 0
	}
	n := min(w, max(1, int(math.Round(f*float64(w)))))
	return style.Render(strings.Repeat(t.Glyph.Length, n)) + text.Spaces(w-n)
}

// Sweep draws a bar for work of unknown length: a short filled part whose place
// follows phase (any number; its fraction counts).
func Sweep(t *theme.Theme, fill theme.Style, phase float64, w int) string {
	if w <= 0 {
		return ""
	}
	if math.IsNaN(phase) || math.IsInf(phase, 0) {
		phase = 0
	}
	n := max(1, w/6)
	_, f := math.Modf(math.Abs(phase))
	// There and back again, so that it never jumps.
	f = 1 - math.Abs(2*f-1)
	at := int(math.Round(f * float64(w-n)))
	return t.Faint.Render(strings.Repeat(t.Glyph.Empty, at)) + fill.Render(strings.Repeat(t.Glyph.Full, n)) +
		t.Faint.Render(strings.Repeat(t.Glyph.Empty, w-n-at))
}

// Segment is a part of a stacked bar.
type Segment struct {
	Value float64
	Style theme.Style
	Glyph string // for terminals without colours
}

// Stacked draws segments in proportion to their values, in exactly w cells. A
// segment too small for a cell is left out.
func Stacked(t *theme.Theme, segments []Segment, w int) string {
	if w <= 0 {
		return ""
	}
	values := make([]float64, len(segments))
	for i, s := range segments {
		values[i] = s.Value
	}
	var b strings.Builder
	n := 0
	for i, cells := range text.Apportion(values, w) {
		g := t.Glyph.Full
		if !t.Colourful() {
			g = segments[i].Glyph
		}
		b.WriteString(segments[i].Style.Render(strings.Repeat(g, cells)))
		n += cells
	}
	return b.String() + t.Faint.Render(strings.Repeat(t.Glyph.Empty, w-n))
}

// flat is the part of a value below which differences are not worth drawing.
const flat = 0.04

// Spark draws values as columns between lo and hi; NaN leaves a cell empty. Where
// lo and hi are as good as equal the columns stay at half height: what is not worth
// telling must not look like peaks.
func Spark(t *theme.Theme, style theme.Style, values []float64, lo, hi float64) string {
	if len(values) == 0 {
		return ""
	}
	if least := max(flat*max(math.Abs(lo), math.Abs(hi)), 1e-9); hi-lo < least {
		lo, hi = (lo+hi-least)/2, (lo+hi+least)/2
	}
	steps := len(t.Glyph.Spark)
	var b strings.Builder
	b.WriteString(style.Open())
	for _, v := range values {
		if math.IsNaN(v) {
			b.WriteByte(' ')
			continue
		}
		i := int((v - lo) / (hi - lo) * float64(steps))
		b.WriteString(t.Glyph.Spark[max(0, min(steps-1, i))])
	}
	if style.Open() != "" {
		b.WriteString("\x1b[m")
	}
	return b.String()
}

// Span writes a range of values, or the value where both ends read the same.
func Span(lo, hi float64) string {
	a, b := text.Fixed(lo, 2), text.Fixed(hi, 2)
	if a == b {
		return a
	}
	return a + "-" + b
}

// Range returns the smallest and largest of values, NaN left out; 0 and 1 where
// there is none.
func Range(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return 0, 1
	}
	return lo, hi
}
