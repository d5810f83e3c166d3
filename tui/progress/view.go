package progress

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// maxWidth keeps lines readable on very wide terminals.
const maxWidth = 160

// fileView is what is drawn of one file.
type fileView struct {
	feed.Snapshot
	verb   string
	output string
}

// view is everything the live part depends on.
type view struct {
	t       *theme.Theme
	files   []fileView
	w, h    int
	details bool
	keys    bool
	stop    bool    // the interruption was asked for
	beat    float64 // seconds since the start, moves what has no known length
	memory  int64   // bytes, 0 where not known
}

// lines draws the live part: what runs now, what waits, the totals. It never
// has more than v.h lines.
func (v *view) lines() []string {
	w := min(v.w, maxWidth)
	if w < 20 || v.h < 2 {
		return nil
	}
	var active []int
	waiting, over := []int{}, 0
	for i := range v.files {
		switch s := v.files[i].State; {
		case s == feed.Waiting:
			waiting = append(waiting, i)
		case s.Over():
			over++
		default:
			active = append(active, i)
		}
	}
	var out []string
	for _, i := range active {
		f := &v.files[i]
		if len(active) == 1 {
			out = append(out, v.full(f, w)...)
		} else {
			out = append(out, v.compact(f, w))
		}
	}
	if len(v.files) > 1 {
		out = append(out, v.totals(over, w))
		for n, i := range waiting {
			if n == 3 && len(waiting) > 4 {
				out = append(out, v.t.Muted.Render(text.Fit(fmt.Sprintf("  %s and %d more", v.t.Glyph.Waiting, len(waiting)-n), w)))
				break
			}
			f := &v.files[i]
			out = append(out, v.t.Muted.Render(text.Ends("  "+v.t.Glyph.Waiting+" "+text.CutMiddle(text.Clean(f.Name), w-16), size(f.Total), w)))
		}
	}
	if v.keys && len(out) > 0 {
		out = append(out, v.help(active, w))
	}
	if len(out) > v.h {
		out = out[:v.h]
	}
	return out
}

func size(n int64) string {
	if n < 0 {
		return ""
	}
	return text.Bytes(n)
}

// head is the line with what is done to what, and what is known about it on the
// right.
func (v *view) head(f *fileView, plain string, w int) string {
	t := v.t
	about := t.Muted.Render(plain)
	if f.State == feed.Paused {
		about = t.Warn.Render(t.Glyph.Paused + " paused")
	}
	name := text.Clean(f.Name)
	room := w - text.Width(about) - text.Width(f.verb) - 3
	if dot := " " + t.Glyph.Dot + " "; room < text.Width(name) && f.State != feed.Paused && strings.Contains(plain, dot) {
		// The name matters more than the last of what is known.
		return v.head(f, plain[:strings.LastIndex(plain, dot)], w)
	}
	sz := ""
	if f.Total >= 0 && room > 36 && f.Transfer == nil {
		sz = "  " + text.Count(f.Total) + " bytes"
	}
	left := t.Title.Render(f.verb) + "  " + t.Strong.Render(text.CutMiddle(name, room-text.Width(sz))) + t.Muted.Render(sz)
	return text.Ends(left, about, w)
}

// full draws one file with everything there is to see.
func (v *view) full(f *fileView, w int) []string {
	switch {
	case f.Training != nil:
		return v.training(f, w)
	case f.Transfer != nil:
		return v.transfer(f, w)
	}
	t := v.t
	about := means(f.Model, f.Mixed, t.Glyph.Dot)
	if f.Lanes > 0 && w >= 72 {
		about += fmt.Sprintf(" %s %s", t.Glyph.Dot, plural(f.Lanes, "lane"))
	}
	if text.Width(about) > w/2 && f.Model.Name != "" {
		about = f.Model.Name
	}
	headed := *f
	if f.Verify != nil {
		headed.verb = "verify"
	}
	out := []string{v.head(&headed, about, w), v.bar(f, w)}
	if len(f.Curve) > 0 && (f.Compressed > 0 || f.Verify != nil) {
		out = append(out, v.figures(f, w))
	}
	if v.h >= 8 {
		if s := spark(t, &f.Snapshot, w, "BPC over the file "); s != "" {
			out = append(out, s)
		}
	}
	shares := f.Shares()
	if len(shares) > 0 && !v.details {
		out = append(out, stageLine(t, shares, w))
	}
	if v.details {
		out = append(out, v.detailLines(f, shares, w)...)
	}
	for _, msg := range f.Warnings {
		for _, l := range text.Wrap("warning: "+text.Clean(msg), w-1) {
			out = append(out, t.Warn.Render(l))
		}
	}
	return out
}

// bar draws the bar with the percentage, the speed and the times.
func (v *view) bar(f *fileView, w int) string {
	s := &f.Snapshot
	if f.Verify != nil {
		s = f.Verify
	}
	rate := text.Rate(s.Speed)
	still := s.Transfer != nil && s.Still >= stillTime
	if s.Transfer != nil && s.Transfer.Converting || still {
		rate = ""
	}
	tail := fmt.Sprintf(" %10s  %s", rate, text.Clock(s.Elapsed))
	if !still && s.ETA >= 0 && w >= 50 {
		tail += " " + v.t.Glyph.Dot + " " + text.Clock(s.ETA) + " left"
	} else if w < 50 {
		tail = ""
	}
	frac := s.Fraction()
	pct := text.FitRight(text.Percent(frac), 5)
	if frac < 0 {
		pct = " " + text.Bytes(s.Bytes)
	}
	// The tail's place is kept even while it is short, so that the bar's end
	// stands still.
	bw := max(4, w-text.Width(pct)-max(text.Width(tail), min(34, w/2-6)))
	style := v.t.Accent
	switch {
	case v.stop || s.State == feed.Paused:
		style = v.t.Warn
	case f.Verify != nil:
		style = v.t.Good
	}
	if frac < 0 {
		return text.Fit(chart.Sweep(v.t, style, v.beat/3, bw)+pct+v.t.Muted.Render(tail), w)
	}
	return text.Fit(chart.Bar(v.t, style, frac, bw)+pct+v.t.Muted.Render(tail), w)
}

// figures is the line with the BPC, the ratio and the sizes so far.
func (v *view) figures(f *fileView, w int) string {
	t := v.t
	parts := []string{
		t.Muted.Render("BPC ") + t.Strong.Render(text.Fixed(f.BPC(), 3)),
		t.Muted.Render("now ") + text.Fixed(f.Recent, 2),
		t.Muted.Render("ratio ") + t.Strong.Render(text.Ratio(f.Ratio())),
		text.Count(f.Bytes) + t.Muted.Render(" "+arrow(t, f)+" ") + text.Count(f.Compressed) + t.Muted.Render(" bytes"),
	}
	if f.Symbols > 0 && f.Model.Kind == predict.Tokens {
		parts = append(parts, text.Count(f.Symbols)+t.Muted.Render(" tokens"))
	}
	return text.Some(parts, "   ", w)
}

func arrow(t *theme.Theme, f *fileView) string {
	if f.Direction == 0 {
		return t.Glyph.Arrow
	}
	return "from"
}

// spark draws the BPC over the file with its range behind it; empty while there
// is nothing to tell.
func spark(t *theme.Theme, s *feed.Snapshot, w int, label string) string {
	if w < 60 {
		label = ""
	}
	n := w - len(label) - 13
	if n < 10 || s.Compressed == 0 {
		return ""
	}
	values := s.Stretches(n)
	lo, hi := chart.Range(values)
	if hi <= lo {
		return "" // one measurement is no curve
	}
	return text.Fit(t.Muted.Render(label)+chart.Spark(t, t.Accent, values, lo, hi)+
		t.Muted.Render(" "+chart.Span(lo, hi)), w)
}

// stageLine draws the profile in one line: a bar, then names and shares.
func stageLine(t *theme.Theme, shares []feed.Share, w int) string {
	bw := max(8, w/4)
	return text.Fit(chart.StageBar(t, shares, bw)+"  "+chart.StageLegend(t, shares, w-bw-2), w)
}

func (v *view) detailLines(f *fileView, shares []feed.Share, w int) []string {
	out := chart.StageRows(v.t, shares, min(w, 90))
	var facts []string
	if f.Lanes > 0 {
		facts = append(facts, plural(f.Lanes, "lane"))
	}
	if f.Threads > 0 {
		facts = append(facts, plural(f.Threads, "thread"))
	}
	if f.Blocks > 0 || f.Block > 0 {
		facts = append(facts, fmt.Sprintf("block %d", f.Block+1))
	}
	if f.Model.Parameters > 0 {
		facts = append(facts, text.Params(f.Model.Parameters)+" parameters")
	}
	if !f.Mixed && f.Lanes > 0 {
		facts = append(facts, "no mixing")
	}
	if v.memory > 0 {
		facts = append(facts, text.Bytes(v.memory)+" memory")
	}
	if len(facts) > 0 {
		out = append(out, v.t.Muted.Render(text.Some(facts, " "+v.t.Glyph.Dot+" ", w)))
	}
	return out
}

// compact draws a running file in one line.
func (v *view) compact(f *fileView, w int) string {
	nw := max(8, w*3/10)
	tail := fmt.Sprintf("%5s  %s BPC  %10s", text.Percent(f.Fraction()), text.FitRight(text.Fixed(f.BPC(), 2), 5), text.Rate(f.Speed))
	if w < 60 {
		tail = text.FitRight(text.Percent(f.Fraction()), 5)
	}
	bw := max(4, w-nw-text.Width(tail)-3)
	return text.Fit(text.FitMiddle(text.Clean(f.Name), nw)+" "+chart.Bar(v.t, v.t.Accent, f.Fraction(), bw)+tail, w)
}

// totals is the line over all files.
func (v *view) totals(over, w int) string {
	var done, total, in, out int64
	failed, known := 0, true
	for i := range v.files {
		f := &v.files[i]
		total += max(0, f.Total)
		known = known && f.Total >= 0
		done += f.Bytes
		if f.State == feed.Done {
			in, out = in+f.Result.OriginalBytes, out+f.Result.CompressedBytes
		}
		if f.State == feed.Failed {
			failed++
			done += max(0, f.Total) - f.Bytes
		}
	}
	s := fmt.Sprintf("%d of %d files", over, len(v.files))
	switch {
	case known:
		s += fmt.Sprintf("   %s of %s", text.Bytes(done), text.Bytes(total))
	case done > 0:
		s += "   " + text.Bytes(done)
	}
	if out > 0 && w >= 60 {
		s += fmt.Sprintf("   so far %s at %s BPC", text.Ratio(float64(in)/float64(out)), text.Fixed(8*float64(out)/float64(in), 3))
	}
	line := v.t.Muted.Render(s)
	if failed > 0 {
		line += "   " + v.t.Bad.Render(fmt.Sprintf("%d failed", failed))
	}
	return text.Fit(line, w)
}

func (v *view) help(active []int, w int) string {
	pause, stop, stopping, details := "pause", "stop", "stopping and removing the unfinished output", true
	for _, i := range active {
		f := &v.files[i]
		if f.State == feed.Paused {
			pause = "go on"
		}
		switch {
		case f.Training != nil:
			stop, stopping = "save and stop", "stopping and saving a checkpoint"
		case f.Transfer != nil:
			stopping, details = "stopping; what came so far is kept", false
		}
	}
	if v.stop {
		return v.t.Warn.Render(text.Fit(stopping, w))
	}
	type hint struct{ key, what string }
	keys := []hint{{"p", pause}, {"ctrl+c", stop}}
	if details {
		keys = append(keys, hint{"d", "details"})
	}
	var parts []string
	for _, k := range keys {
		parts = append(parts, v.t.Key.Render(k.key)+" "+v.t.Muted.Render(k.what))
	}
	return text.Some(parts, "   ", w)
}

// means says what codes: which model, and on what ("gru · cpu avx512vnni"), or the
// mixer alone. It is empty while nothing is known.
func means(m predict.Info, mixed bool, dot string) string {
	s := m.Name
	if d := strings.TrimSpace(m.Device + " " + m.Kernel); d != "" && s != "" {
		s += " " + dot + " " + d
	}
	if s == "" && mixed {
		return "no model, mixing alone"
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Lines draws one running job in the same way for other views, in at most h
// lines of w cells.
func Lines(t *theme.Theme, verb string, s feed.Snapshot, w, h int, details bool) []string {
	v := &view{t: t, w: w, h: h, details: details}
	if w < 20 || h < 2 {
		return nil
	}
	out := v.full(&fileView{Snapshot: s, verb: verb}, w)
	return out[:min(len(out), h)]
}

// Summary draws one job that is over, in lines of at most w cells.
func Summary(t *theme.Theme, output string, s feed.Snapshot, w int) []string {
	return summary(t, &fileView{Snapshot: s, output: output}, w)
}
