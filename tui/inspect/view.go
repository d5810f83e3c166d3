package inspect

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/chart"
	"github.com/llmz/llmz/tui/feed"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// view is everything a screen of the heat-map depends on.
type view struct {
	t      *theme.Theme
	name   string
	x      *engine.Inspection
	page   *page
	spark  []float64 // BPC over the file, one value a cell
	w, h   int
	top    int // first row shown
	cursor int // index of a symbol
	bare   bool
	job    *feed.Snapshot // while the model still runs
	err    error
	keys   string
}

// frame is how the screen is divided.
type frame struct {
	gutter, text, totals int // columns
	heads                int // rows above the heat-map, of the heads of its columns
	body                 int // rows of the heat-map
	panel                int // rows below it
}

// The columns of a line's totals.
const bitsWidth, bpcWidth = 10, 6

// layout divides a screen of w × h cells for a content of that many lines.
func layout(w, h, lines int) frame {
	f := frame{gutter: max(4, len(fmt.Sprint(lines))) + 2, totals: bitsWidth + bpcWidth, heads: 1, panel: 6}
	if w < 70 {
		f.totals = 0
	}
	if f.totals == 0 || h < 12 {
		f.heads = 0
	}
	if w < 40 {
		f.gutter = 0
	}
	switch {
	case h < 8:
		f.panel = 0
	case h < 16:
		f.panel = 3
	}
	f.text = max(1, w-f.gutter-f.totals)
	f.body = max(1, h-2-f.heads-f.panel)
	return f
}

// relay lays the content out anew for the screen's size; the cursor stays on
// the screen.
func (v *view) relay() {
	if v.x == nil {
		return
	}
	lines := 1 + bytes.Count(v.x.Content, []byte{'\n'})
	f := layout(v.w, v.h, lines)
	if v.page == nil || v.page.width != f.text || v.page.t != v.t {
		v.page = newPage(v.x, v.t, f.text)
	}
	v.measure()
	v.follow(f)
}

// measure draws up the overview of what is shown now.
func (v *view) measure() { v.spark = overview(v.x, max(1, v.w-len(v.sparkName())-14), v.bare) }

// sparkName says what the overview shows; empty where there is no room to.
func (v *view) sparkName() string {
	if v.w < 50 {
		return ""
	}
	return "BPC over the file "
}

// follow moves the window so that it holds the cursor.
func (v *view) follow(f frame) {
	if len(v.x.Symbols) == 0 {
		v.top = 0
		return
	}
	r := v.page.rowAt(int(v.x.Symbols[v.cursor].Offset))
	if r < v.top {
		v.top = r
	}
	if r >= v.top+f.body {
		v.top = r - f.body + 1
	}
	v.top = max(0, min(v.top, len(v.page.rows)-1))
}

// overview returns the BPC of n equal parts of the content, or that of the bare
// model.
func overview(x *engine.Inspection, n int, bare bool) []float64 {
	out := make([]float64, n)
	size := float64(len(x.Content)) / float64(n)
	bits := make([]float64, n)
	for i := range x.Symbols {
		s := &x.Symbols[i]
		bits[min(n-1, int(float64(s.Offset)/max(size, 1e-9)))] += bitsOf(s, bare)
	}
	for i := range out {
		out[i] = bits[i] / size
		if size < 1 {
			out[i] = math.NaN()
		}
	}
	return out
}

// lines draws the screen: exactly v.h lines of v.w cells.
func (v *view) lines() []string {
	out := []string{v.header()}
	switch {
	case v.err != nil:
		out = append(out, "", " "+v.t.Bad.Render(text.Cut(text.Clean(v.err.Error()), v.w-2)))
	case v.x == nil:
		out = append(out, v.loading()...)
	case len(v.x.Symbols) == 0:
		out = append(out, "", " "+v.t.Muted.Render("the file is empty"))
	default:
		f := layout(v.w, v.h, len(v.page.lines))
		if f.heads > 0 {
			out = append(out, v.heads(f))
		}
		out = append(out, v.body(f)...)
		out = text.Block(out, v.w, 1+f.heads+f.body)
		out = append(out, v.panel(f)...)
	}
	out = text.Block(out, v.w, max(1, v.h-1))
	if v.h > 1 {
		out = append(out, text.Fit(v.keys, v.w))
	}
	return out
}

func (v *view) header() string {
	t := v.t
	left := " " + t.Brand.Render("llmz inspect") + "  " + t.Strong.Render(text.CutMiddle(text.Clean(v.name), max(8, v.w/3)))
	if v.x == nil {
		return text.Fit(left, v.w)
	}
	how, total := method(v.x), v.x.Bits
	if size, _, whole := archiveSize(v.x); whole {
		total = 8 * float64(size)
	}
	if v.bare {
		how, total = v.x.Model.Name+" alone", 0
		for _, l := range v.page.lines {
			total += l.bare
		}
	}
	left += t.Muted.Render("  " + how)
	bpc := 0.0
	if n := len(v.x.Content); n > 0 {
		bpc = total / float64(n)
	}
	end := t.Strong.Render(text.Fixed(bpc, 3)) + t.Muted.Render(" BPC ")
	sizes := fmt.Sprintf("%s %s %s", text.Count(int64(len(v.x.Content))), t.Glyph.Arrow, text.Count(int64(math.Ceil(total/8))))
	for _, s := range []string{sizes + " bytes  ", sizes + "  "} {
		if right := t.Muted.Render(s) + end; text.Width(left)+text.Width(right) < v.w {
			return text.Ends(left, right, v.w)
		}
	}
	return text.Ends(left, end, v.w)
}

func (v *view) loading() []string {
	if v.job == nil {
		return nil
	}
	s := v.job
	w := min(60, v.w-4)
	what := text.Percent(s.Fraction()) + "  " + text.Rate(s.Speed)
	if s.ETA >= 0 {
		what += "  " + text.Clock(s.ETA) + " left"
	}
	return []string{"", "  " + v.t.Muted.Render(text.Cut("running "+s.Model.Name+" over the content", v.w-4)),
		"  " + chart.Bar(v.t, v.t.Accent, s.Fraction(), w), "  " + v.t.Muted.Render(text.Cut(what, v.w-4))}
}

// heads names the columns of the heat-map.
func (v *view) heads(f frame) string {
	return v.t.Muted.Render(text.Fit(text.FitRight("line", f.gutter-2)+"  text", f.gutter+f.text) +
		text.FitRight("bits", bitsWidth) + text.FitRight("BPC", bpcWidth))
}

// body draws the rows of the heat-map.
func (v *view) body(f frame) []string {
	cur := &v.x.Symbols[v.cursor]
	from, to := int(cur.Offset), int(cur.Offset)+int(cur.Length)
	var out []string
	for i := v.top; i < len(v.page.rows) && len(out) < f.body; i++ {
		r := v.page.rows[i]
		var b strings.Builder
		if f.gutter > 0 {
			n := ""
			if r.first {
				n = fmt.Sprint(r.line + 1)
			}
			b.WriteString(v.t.Faint.Render(text.FitRight(n, f.gutter-2)) + "  ")
		}
		open, cells := "", 0
		for _, c := range v.page.cells(r, v.bare) {
			style := v.t.Heat(theme.HeatLevel(c.bits)).Open()
			if c.from < to && c.to > from {
				style = v.cursorStyle()
			}
			if style != open {
				if open != "" {
					b.WriteString("\x1b[m")
				}
				b.WriteString(style)
				open = style
			}
			if style == "" && c.from < to && c.to > from {
				// Without any styles the cursor would not be seen.
				b.WriteString(v.t.Glyph.Cursor)
				cells++
				continue
			}
			b.WriteString(c.glyph)
			cells += text.Width(c.glyph)
		}
		if open != "" {
			b.WriteString("\x1b[m")
		}
		if f.totals > 0 && r.first {
			l := v.page.lines[r.line]
			b.WriteString(text.Spaces(f.text-cells) + v.t.Muted.Render(text.FitRight(someBits(l.cost(v.bare)), bitsWidth)+text.FitRight(text.Fixed(l.bpc(v.bare), 2), bpcWidth)))
		}
		out = append(out, b.String())
	}
	return out
}

// someBits writes bits with as many digits as tell something.
func someBits(bits float64) string {
	if bits < 99.95 {
		return text.Fixed(bits, 1)
	}
	return text.Count(int64(math.Round(bits)))
}

func (v *view) cursorStyle() string { return v.t.Selected.Open() }

// panel draws what is known of the symbol under the cursor.
func (v *view) panel(f frame) []string {
	if f.panel == 0 {
		return nil
	}
	t, s := v.t, &v.x.Symbols[v.cursor]
	b := v.x.Content[s.Offset : s.Offset+int64(s.Length)]
	line := v.page.rows[v.page.rowAt(int(s.Offset))].line
	kind := "byte"
	if v.x.Model.Kind != 0 {
		kind = "token"
	}
	title := fmt.Sprintf("%s %s of %s, line %d", kind, text.Count(int64(v.cursor+1)), text.Count(int64(len(v.x.Symbols))), line+1)
	out := []string{t.Rule(title, v.w)}
	fact := func(label, value string) string { return t.Muted.Render(label+" ") + t.Strong.Render(value) }
	bits := bitsOf(s, v.bare)
	what := " " + t.Heat(theme.HeatLevel(bits)).Render(show(t, b, 20))
	if c := around(v.x.Content, int(s.Offset), len(b)); c != nil {
		what += t.Muted.Render(" of " + show(t, c, 8))
	}
	facts := []string{what, fact("cost", fmt.Sprintf("%.2f bits", bits)), fact("probability", probability(math.Exp2(-bits)))}
	if s.Rank > 0 {
		facts = append(facts, fact("rank", text.Count(int64(s.Rank))))
	}
	switch {
	case v.bare:
		facts = append(facts, fact("with the mixer", fmt.Sprintf("%.2f bits", s.Bits)))
	case v.x.Mixed && s.Rank > 0:
		facts = append(facts, fact("model alone", fmt.Sprintf("%.2f bits", s.ModelBits)))
	}
	known := strings.Join(facts, "   ")
	if text.Width(known) > v.w {
		known = text.Some(facts, "  ", v.w)
	}
	out = append(out, text.Fit(known, v.w))
	out = append(out, v.guesses(s))
	if f.panel < 6 {
		return out
	}
	return append(append(out, v.overview()...), v.legend())
}

// guesses draws what the model expected in the place of the symbol.
func (v *view) guesses(s *engine.SymbolCost) string {
	if s.Rank == 0 {
		return v.t.Muted.Render(" without a model there are no guesses")
	}
	line := v.t.Muted.Render(" expected ")
	for i, g := range s.Guesses {
		if g.P == 0 {
			break
		}
		item := show(v.t, v.x.Bytes(g), 16) + " " + v.t.Muted.Render(probability(float64(g.P)))
		if int32(i+1) == s.Rank {
			item = v.t.Good.Render(show(v.t, v.x.Bytes(g), 16)+" "+probability(float64(g.P))) + v.t.Good.Render(" "+v.t.Glyph.Done)
		}
		if text.Width(line)+text.Width(item)+2 > v.w {
			break
		}
		line += item + "   "
	}
	return text.Fit(line, v.w)
}

// overview draws the BPC over the file, by name and with its range, in two lines:
// the upper one shows where the cursor is.
func (v *view) overview() []string {
	lo, hi := chart.Range(v.spark)
	if len(v.spark) < 4 || len(v.x.Content) < len(v.spark) {
		return []string{"", ""}
	}
	name := " " + v.sparkName()
	return []string{text.Spaces(len(name)) + v.position(),
		v.t.Muted.Render(name) + chart.Spark(v.t, v.t.Accent, v.spark, lo, hi) + v.t.Muted.Render(" "+chart.Span(lo, hi))}
}

// position marks the cursor's place above the overview.
func (v *view) position() string {
	n := len(v.spark)
	at := int(float64(v.x.Symbols[v.cursor].Offset) / float64(max(1, len(v.x.Content))) * float64(n))
	mark := "v"
	if v.t.Glyphs != theme.ASCII {
		mark = "▾"
	}
	return text.Spaces(min(at, n-1)) + v.t.Strong.Render(mark)
}

// legend draws the steps of the heat scale.
func (v *view) legend() string {
	line := v.t.Muted.Render(" bits ")
	for i := range theme.HeatLevels {
		label := fmt.Sprintf(" %g ", theme.HeatFrom[i])
		if i == theme.HeatLevels-1 {
			label = fmt.Sprintf(" %g+ ", theme.HeatFrom[i])
		}
		line += v.t.Heat(i).Render(label)
	}
	return text.Fit(line, v.w)
}

func probability(p float64) string {
	switch {
	case p >= 0.1:
		return fmt.Sprintf("%.1f%%", p*100)
	case p >= 0.001:
		return fmt.Sprintf("%.2f%%", p*100)
	}
	return fmt.Sprintf("1 in %s", text.Count(int64(math.Round(1/max(p, 1e-15)))))
}
