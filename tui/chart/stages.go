package chart

import (
	"fmt"
	"strings"

	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// StageBar draws the stages as one bar of w cells.
func StageBar(t *theme.Theme, shares []feed.Share, w int) string {
	var segs []Segment
	for _, s := range shares {
		segs = append(segs, Segment{float64(s.Tenths), t.Stages[s.Stage], t.Glyph.Stages[s.Stage]})
	}
	return Stacked(t, segs, w)
}

// StageLegend names the stages in one line of at most w cells. Where not all
// fit, the smallest are added up as "rest", so that the line still sums to 100%.
func StageLegend(t *theme.Theme, shares []feed.Share, w int) string {
	if len(shares) == 0 {
		return ""
	}
	var keep []feed.Share
	for _, s := range shares {
		if s.Tenths > 0 || len(shares) == 1 {
			keep = append(keep, s)
		}
	}
	rest := 0
	for {
		var parts []string
		for _, s := range keep {
			mark := t.Glyph.Full
			if !t.Colourful() {
				mark = t.Glyph.Stages[s.Stage]
			}
			parts = append(parts, t.Stages[s.Stage].Render(mark)+t.Muted.Render(" "+s.Name+" ")+Tenths(s.Tenths))
		}
		if rest > 0 {
			parts = append(parts, t.Muted.Render("rest ")+Tenths(rest))
		}
		line := strings.Join(parts, "  ")
		if text.Width(line) <= w {
			return line
		}
		if len(keep) == 1 {
			// A name says more than a rest without one.
			return text.Cut(parts[0], w)
		}
		least := 0
		for i := range keep {
			if keep[i].Tenths < keep[least].Tenths {
				least = i
			}
		}
		rest += keep[least].Tenths
		keep = append(keep[:least], keep[least+1:]...)
	}
}

// StageRows draws a line for each stage: name, bar, share and seconds.
func StageRows(t *theme.Theme, shares []feed.Share, w int) []string {
	var out []string
	bar := w - 12 - 1 - 7 - 10
	for _, s := range shares {
		line := text.Fit(s.Name, 12) + " "
		if bar >= 4 {
			line += Bar(t, t.Stages[s.Stage], float64(s.Tenths)/1000, bar)
		}
		line += text.FitRight(Tenths(s.Tenths), 7)
		if w < 32 {
			out = append(out, text.Cut(line, w))
			continue
		}
		line += t.Muted.Render(text.FitRight(fmt.Sprintf("%.2f s", s.Seconds), 10))
		out = append(out, line)
	}
	return out
}

// Tenths writes tenths of a percent ("93.7%").
func Tenths(n int) string { return fmt.Sprintf("%d.%d%%", n/10, n%10) }
