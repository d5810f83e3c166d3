package progress

import (
	"fmt"
	"time"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// stillTime is how long a download may stand still before a word is said about it.
const stillTime = 4 * time.Second

// transfer draws a download, or the conversion of what came.
func (v *view) transfer(f *fileView, w int) []string {
	t := v.t
	if f.Transfer.Converting {
		about := fmt.Sprintf("tensor %d of %d", f.Bytes, max(f.Bytes, f.Total))
		g := *f
		g.verb = "convert"
		return []string{v.head(&g, about, w), v.bar(f, w)}
	}
	done := text.Bytes(f.Bytes)
	if f.Total > 0 {
		done += " of " + text.Bytes(f.Total)
	}
	parts := []string{done}
	if f.Resumed > 0 {
		parts = append(parts, t.Muted.Render("resumed at "+text.Bytes(f.Resumed)))
	}
	switch {
	case f.Total > 0 && f.Bytes >= f.Total:
		parts = append(parts, t.Muted.Render("checking it"))
	case f.Still >= stillTime:
		parts = append(parts, t.Warn.Render("nothing came for "+text.Clock(f.Still)+", trying again"))
	}
	return []string{v.head(f, text.CutMiddle(text.Clean(f.Transfer.File), w/2), w), v.bar(f, w), text.Some(parts, "   ", w)}
}

// transferSummary is what stays of a download that is over.
func transferSummary(t *theme.Theme, f *fileView, w int) []string {
	lines := []string{outcome(t, f, w)}
	if n := f.Transfer.Loaded; n > 0 && f.Elapsed > 0 {
		lines = append(lines, "  "+t.Muted.Render(text.Cut(text.Bytes(n)+" in "+text.Seconds(f.Elapsed), w-2)))
	}
	return lines
}
