package progress

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// doneLines are what stays of one file among several: a line, unless it failed for
// a reason that takes more.
func doneLines(t *theme.Theme, f *fileView, w int) []string {
	w = min(w, maxWidth)
	switch f.State {
	case feed.Failed, feed.Cancelled:
		name := text.Clean(f.Name) + ":"
		lines := text.Wrap(name+" "+reason(f), w-4)
		for i, l := range lines {
			head, rest := "    ", l
			if i == 0 {
				head = t.Bad.Render(t.Glyph.Failed) + " "
				if after, ok := strings.CutPrefix(l, name); ok {
					head, rest = head+name, after
				}
			}
			lines[i] = head + t.Bad.Render(rest)
		}
		return lines
	}
	return []string{doneLine(t, f, w)}
}

// doneLine is the line of a file that did not fail.
func doneLine(t *theme.Theme, f *fileView, w int) string {
	r := &f.Result
	var cols []string
	if r.CompressedBytes > 0 || r.OriginalBytes > 0 {
		cols = append(cols, text.FitRight(text.Bytes(r.OriginalBytes), 8)+t.Muted.Render(" "+arrow(t, f)+" ")+text.FitRight(text.Bytes(r.CompressedBytes), 8))
	}
	if bpc := r.BPC(); bpc > 0 && w >= 60 {
		cols = append(cols, text.FitRight(text.Fixed(bpc, 3), 6)+t.Muted.Render(" BPC"))
	}
	if w >= 72 {
		cols = append(cols, text.FitRight(text.Ratio(r.Ratio()), 8))
	}
	if w >= 90 {
		cols = append(cols, text.FitRight(text.Rate(r.BytesPerSecond()), 10))
	}
	if w >= 104 {
		cols = append(cols, text.FitRight(text.Seconds(f.Elapsed), 8))
	}
	right := strings.Join(cols, "  ")
	return t.Good.Render(t.Glyph.Done) + " " + text.FitMiddle(text.Clean(f.Name), max(4, w-text.Width(right)-text.Width(t.Glyph.Done)-2)) + " " + right
}

// summary is what stays of a single file.
func summary(t *theme.Theme, f *fileView, w int) []string {
	w = min(w, maxWidth)
	name := text.Clean(f.Name)
	switch f.State {
	case feed.Failed:
		lines := []string{t.Bad.Render(t.Glyph.Failed) + " " + text.CutMiddle(name, w-3)}
		return append(lines, wrapped(t.Bad, reason(f), w)...)
	case feed.Cancelled:
		done := ""
		if f.Fraction() >= 0 {
			done = " at " + text.Percent(f.Fraction())
		}
		lines := []string{t.Warn.Render(text.Cut(t.Glyph.Failed+" "+name+": stopped"+done, w))}
		if f.Transfer != nil && f.Bytes > 0 {
			lines = append(lines, "  "+t.Muted.Render(text.Cut("what came so far is kept: the same command goes on from there", w-2)))
		}
		return lines
	}
	switch {
	case f.Training != nil:
		return trainingSummary(t, f, w)
	case f.Transfer != nil:
		return transferSummary(t, f, w)
	}
	r := &f.Result
	lines := []string{outcome(t, f, w)}
	if r.OriginalBytes == 0 && r.CompressedBytes == 0 {
		return lines
	}
	sizes := fmt.Sprintf("%s %s %s bytes", text.Count(r.OriginalBytes), arrow(t, f), text.Count(r.CompressedBytes))
	time := fmt.Sprintf("%s at %s", text.Seconds(f.Elapsed), text.Rate(r.BytesPerSecond()))
	if r.Verified {
		time += ", verified"
	}
	line := "  " + sizes + "   " + t.Strong.Render(text.Ratio(r.Ratio())) + "   " + t.Strong.Render(text.Fixed(r.BPC(), 3)) + t.Muted.Render(" BPC   ")
	if text.Width(line)+text.Width(time) <= w {
		lines = append(lines, line+t.Muted.Render(time))
	} else {
		lines = append(lines, text.Cut(line, w), "  "+t.Muted.Render(text.Cut(time, w-2)))
	}
	lines = append(lines, "  "+t.Muted.Render(text.Cut(made(t, f), w-2)))
	if s := spark(t, &f.Snapshot, w-2, "BPC over the file "); s != "" && f.Direction == engine.Compressing {
		lines = append(lines, "  "+strings.TrimRight(s, " "))
	}
	if shares := f.Shares(); len(shares) > 0 {
		lines = append(lines, "  "+strings.TrimRight(stageLine(t, shares, w-2), " "))
	}
	for _, d := range r.Damaged {
		lines = append(lines, wrapped(t.Bad, fmt.Sprintf("block %d is damaged: %v", d.Block, d.Err), w)...)
	}
	for _, msg := range f.Warnings {
		lines = append(lines, wrapped(t.Warn, "warning: "+text.Clean(msg), w)...)
	}
	return lines
}

// wrapped writes a text of any length below a summary's head.
func wrapped(style theme.Style, s string, w int) []string {
	lines := text.Wrap(s, w-3)
	for i := range lines {
		lines[i] = "  " + style.Render(lines[i])
	}
	return lines
}

// outcome says what went in and what came out.
func outcome(t *theme.Theme, f *fileView, w int) string {
	s := t.Good.Render(t.Glyph.Done) + " " + t.Strong.Render(text.CutMiddle(text.Clean(f.Name), max(8, w/2-4)))
	if f.output == "" {
		return s
	}
	out := text.Clean(f.output)
	if filepath.Dir(f.output) == filepath.Dir(f.Name) {
		out = text.Clean(filepath.Base(f.output))
	}
	return s + t.Muted.Render(" "+t.Glyph.Arrow+" ") + text.CutMiddle(out, max(8, w/2-4))
}

// made says with what a result was made.
func made(t *theme.Theme, f *fileView) string {
	r := &f.Result
	s := means(r.Model, r.Mixed, t.Glyph.Dot)
	if s == "" {
		s = "no model"
	}
	if r.Model.Parameters > 0 {
		s += " " + t.Glyph.Dot + " " + text.Params(r.Model.Parameters) + " parameters"
	}
	if r.Lanes > 0 {
		s += " " + t.Glyph.Dot + " " + plural(r.Lanes, "lane")
	}
	if r.Blocks > 1 {
		s += " " + t.Glyph.Dot + " " + plural(r.Blocks, "block")
	}
	if r.StoredBlocks > 0 {
		s += fmt.Sprintf(" (%d stored as they are)", r.StoredBlocks)
	}
	return s
}

// totalsLine closes a list of files.
func totalsLine(t *theme.Theme, files []fileView, w int) string {
	var in, out int64
	ok, failed := 0, 0
	for i := range files {
		switch files[i].State {
		case feed.Done:
			ok++
			in, out = in+files[i].Result.OriginalBytes, out+files[i].Result.CompressedBytes
		case feed.Failed, feed.Cancelled:
			failed++
		}
	}
	parts := []string{t.Strong.Render(plural(ok, "file"))}
	if failed > 0 {
		parts = append(parts, t.Bad.Render(fmt.Sprintf("%d not done", failed)))
	}
	if out > 0 && in > 0 {
		parts = append(parts, t.Strong.Render(fmt.Sprintf("%s %s %s", text.Bytes(in), arrow(t, &files[0]), text.Bytes(out))),
			t.Strong.Render(text.Ratio(float64(in)/float64(out))), t.Strong.Render(text.Fixed(8*float64(out)/float64(in), 3)+" BPC"))
	}
	return strings.TrimRight(text.Some(parts, "   ", w), " ")
}

// reason says why a file failed, without the name that stands before it already.
func reason(f *fileView) string {
	if f.Err == nil {
		return "failed"
	}
	s := f.Err.Error()
	for _, prefix := range []string{f.Name + ": ", "open " + f.Name + ": "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return text.Clean(s)
}
