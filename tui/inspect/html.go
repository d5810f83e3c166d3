package inspect

import (
	"bufio"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// HTML writes the heat-map as one page that needs nothing else: no network, no
// files beside it. Without scripts it still shows the colours; with them, what
// the model expected at each place. Stretches of one colour share an element.
func HTML(w io.Writer, name string, x *engine.Inspection) error {
	b := bufio.NewWriterSize(w, 1<<16)
	title := html.EscapeString(text.Clean(name))
	fmt.Fprintf(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n")
	fmt.Fprintf(b, "<title>%s - where the bits went</title>\n<style>\n%s%s</style>\n", title, heatCSS(), pageCSS)
	writeSummary(b, title, x)
	writeOverview(b, x)
	notes := newPageNotes(x)
	writeContent(b, x, notes)
	notes.write(b)
	return b.Flush()
}

// steps are the elements of the scale's steps; the first has none. A class for each
// would make the page twice as large.
var steps = [theme.HeatLevels]string{"", "u", "i", "b", "s", "q", "a", "em", "var", "dfn"}

// heatCSS gives the steps of the scale the colours they have in a terminal.
func heatCSS() string {
	var b strings.Builder
	for _, scheme := range []struct {
		open, end string
		colours   [theme.HeatLevels]string
	}{{"", "", theme.HeatLight}, {"@media (prefers-color-scheme: dark) {\n", "}\n", theme.HeatDark}} {
		b.WriteString(scheme.open)
		for i, c := range scheme.colours {
			if c != "" {
				fmt.Fprintf(&b, "p %s { background: %s }\n", steps[i], c)
			}
		}
		b.WriteString(scheme.end)
	}
	return b.String()
}

func writeSummary(b *bufio.Writer, title string, x *engine.Inspection) {
	size, rest, whole := archiveSize(x)
	fmt.Fprintf(b, "<header><h1>%s</h1>\n<p>%s → %s", title, byteCount(int64(len(x.Content))), byteCount(size))
	if len(x.Content) > 0 && size > 0 {
		fmt.Fprintf(b, ", <strong>%.3f BPC</strong>, %.2fx", 8*float64(size)/float64(len(x.Content)), float64(len(x.Content))/float64(size))
	}
	counted := "The archive's headers and checksums are not counted."
	if whole {
		counted = byteCount(rest) + " of them are headers and checksums."
	}
	fmt.Fprintf(b, " with %s. %s</p>\n<p class=legend>cost in bits:", html.EscapeString(holds(x)), counted)
	for i, from := range theme.HeatFrom {
		plus := ""
		if i == theme.HeatLevels-1 {
			plus = " and more"
		}
		label := fmt.Sprintf("&nbsp;%g%s&nbsp;", from, plus)
		if i > 0 {
			label = fmt.Sprintf("<%s>%s</%[1]s>", steps[i], label)
		}
		b.WriteString(" " + label)
	}
	b.WriteString("</p>\n")
}

func byteCount(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return text.Count(n) + " bytes"
}

// writeOverview draws the BPC over the file.
func writeOverview(b *bufio.Writer, x *engine.Inspection) {
	n := min(200, len(x.Content)/16)
	if n < 4 {
		b.WriteString("</header>\n")
		return
	}
	values := overview(x, n, false)
	hi := 0.0
	for _, v := range values {
		hi = max(hi, v)
	}
	fmt.Fprintf(b, "<svg viewBox=\"0 0 %d 48\" preserveAspectRatio=\"none\" role=img aria-label=\"BPC over the file, up to %.2f\"><polyline points=\"", n-1, hi)
	for i, v := range values {
		fmt.Fprintf(b, "%d,%.1f ", i, 47-46*v/max(hi, 1e-9))
	}
	fmt.Fprintf(b, "\"/></svg>\n<p class=legend>BPC over the file, from 0 to %.2f</p></header>\n", hi)
}

// writeContent writes the lines with their numbers and totals, and notes what the
// script shows of each of their marks.
func writeContent(b *bufio.Writer, x *engine.Inspection, notes *pageNotes) {
	b.WriteString("<main>\n<div class=head><i>line</i><p>text</p><b>bits</b><b>BPC</b></div>\n")
	lines := totals(x)
	at, sym := 0, 0
	for line := range lines {
		if at == len(x.Content) {
			break
		}
		l := lines[line]
		fmt.Fprintf(b, "<div><i>%d</i><p>", line+1)
		open := 0
		for end := at + l.bytes; at < end; {
			var m mark
			m, sym = markAt(x, at, end, sym)
			if level := theme.HeatLevel(m.bits); level != open {
				if open != 0 {
					fmt.Fprintf(b, "</%s>", steps[open])
				}
				if level != 0 {
					fmt.Fprintf(b, "<%s>", steps[level])
				}
				open = level
			}
			shown := visible(x.Content[at:m.to])
			b.WriteString(html.EscapeString(shown))
			notes.add(m, shown)
			at = m.to
		}
		if open != 0 {
			fmt.Fprintf(b, "</%s>", steps[open])
		}
		fmt.Fprintf(b, "</p><b>%s</b><b>%.2f</b></div>\n", someBits(l.bits), l.bpc(false))
		notes.endLine()
	}
	b.WriteString("</main>\n<aside id=tip hidden></aside>\n")
}

// A mark is what the page shows as one: a character with all symbols in it, or a
// symbol with all its characters.
type mark struct {
	to   int     // where it ends in the content
	bits float64 // of all its symbols
	sym  int     // the first of them
}

// markAt returns the mark at an offset in a line that ends at end; sym is a symbol
// at or before it. It returns the mark's first symbol, too.
func markAt(x *engine.Inspection, at, end, sym int) (mark, int) {
	for sym < len(x.Symbols)-1 && x.Symbols[sym+1].Offset <= int64(at) {
		sym++
	}
	s := &x.Symbols[sym]
	m := mark{to: max(at+1, int(s.Offset)+int(s.Length)), bits: float64(s.Bits), sym: sym}
	for last := sym; !boundary(x.Content, m.to); {
		if last++; last >= len(x.Symbols) {
			m.to = len(x.Content)
			break
		}
		m.bits += float64(x.Symbols[last].Bits)
		m.to = int(x.Symbols[last].Offset) + int(x.Symbols[last].Length)
	}
	m.to = min(m.to, end)
	return m, sym
}

// boundary is whether a character may end before offset i: whether no valid
// UTF-8 sequence reaches over it.
func boundary(b []byte, i int) bool {
	if i >= len(b) || utf8.RuneStart(b[i]) {
		return true
	}
	for j := i - 1; j >= max(0, i-3); j-- {
		if utf8.RuneStart(b[j]) {
			r, n := utf8.DecodeRune(b[j:])
			return r == utf8.RuneError && n <= 1 || j+n <= i
		}
	}
	return true
}

// visible writes content for the page; what cannot be seen gets a stand-in.
func visible(b []byte) string {
	var s strings.Builder
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case b[i] == '\n':
			s.WriteString("↵")
		case b[i] == '\t':
			s.WriteString("\t")
		case r == utf8.RuneError && n <= 1, r != ' ' && r != 0xa0 && !unicode.IsPrint(r):
			s.WriteString("·")
		default:
			s.Write(b[i : i+n])
		}
		i += n
	}
	return s.String()
}
