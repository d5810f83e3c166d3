package inspect

import (
	"bufio"
	_ "embed"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
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
// the model expected at each place.
func HTML(w io.Writer, name string, x *engine.Inspection) error {
	b := bufio.NewWriterSize(w, 1<<16)
	title := html.EscapeString(text.Clean(name))
	fmt.Fprintf(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n")
	fmt.Fprintf(b, "<title>%s - where the bits went</title>\n<style>\n%s%s</style>\n", title, heatCSS(), pageCSS)
	writeSummary(b, title, x)
	writeOverview(b, x)
	writeContent(b, x)
	writeData(b, x)
	return b.Flush()
}

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
				fmt.Fprintf(&b, ".h%d { background: %s }\n", i, c)
			}
		}
		b.WriteString(scheme.end)
	}
	return b.String()
}

func writeSummary(b *bufio.Writer, title string, x *engine.Inspection) {
	how := x.Model.Name
	if how == "" {
		how = "no model"
	}
	if x.Mixed {
		how += " + mixer"
	}
	size := int64(math.Ceil(x.Bits / 8))
	fmt.Fprintf(b, "<header><h1>%s</h1>\n<p>%s → %s", title, byteCount(int64(len(x.Content))), byteCount(size))
	if len(x.Content) > 0 && size > 0 {
		fmt.Fprintf(b, ", <b>%.3f BPC</b>, %.2fx", x.Bits/float64(len(x.Content)), float64(len(x.Content))/float64(size))
	}
	fmt.Fprintf(b, " with %s. The archive's headers and checksums are not counted.</p>\n<p class=legend>cost in bits:", html.EscapeString(how))
	for i, from := range theme.HeatFrom {
		plus := ""
		if i == theme.HeatLevels-1 {
			plus = " and more"
		}
		fmt.Fprintf(b, " <span class=h%d>&nbsp;%g%s&nbsp;</span>", i, from, plus)
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
	values := overview(x, n)
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

// writeContent writes the lines with their numbers and totals. Each symbol that
// starts a character gets an element of its own; i counts symbols.
func writeContent(b *bufio.Writer, x *engine.Inspection) {
	lines := totals(x)
	b.WriteString("<main>\n")
	sym, line := 0, 0
	begin := func() {
		l := lines[line]
		fmt.Fprintf(b, "<div><i title=\"%.0f bits, %.2f BPC\">%d</i><p>", l.bits, l.bpc(), line+1)
	}
	end := func() {
		l := lines[line]
		fmt.Fprintf(b, "</p><b>%.0f</b></div>\n", l.bits)
	}
	if len(x.Content) > 0 {
		begin()
	}
	for i := 0; i < len(x.Content); {
		for sym < len(x.Symbols)-1 && x.Symbols[sym+1].Offset <= int64(i) {
			sym++
		}
		// A character that no symbol ends in goes with all of its symbols; a symbol of
		// several characters takes them all, up to the line's end.
		to := max(i+1, int(x.Symbols[sym].Offset)+int(x.Symbols[sym].Length))
		bits := float64(x.Symbols[sym].Bits)
		last := sym
		for !boundary(x.Content, to) {
			last++
			if last >= len(x.Symbols) {
				to = len(x.Content)
				break
			}
			bits += float64(x.Symbols[last].Bits)
			to = int(x.Symbols[last].Offset) + int(x.Symbols[last].Length)
		}
		if j := strings.IndexByte(string(x.Content[i:to]), '\n'); j >= 0 {
			to = i + j + 1
		}
		fmt.Fprintf(b, "<s class=h%d data-i=%d>%s</s>", theme.HeatLevel(bits), sym, visible(x.Content[i:to]))
		if x.Content[to-1] == '\n' && to < len(x.Content) {
			end()
			line++
			begin()
		}
		i = to
	}
	if len(x.Content) > 0 {
		end()
	}
	b.WriteString("</main>\n<aside id=tip hidden></aside>\n")
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

// visible escapes content for the page; what cannot be seen gets a stand-in.
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
			s.WriteString(html.EscapeString(string(b[i : i+n])))
		}
		i += n
	}
	return s.String()
}

// writeData writes what the script shows: for each symbol its cost, its rank and
// the guesses, with the guessed symbols as indices into a list of their texts.
func writeData(b *bufio.Writer, x *engine.Inspection) {
	var names []string
	index := map[int32]int{}
	b.WriteString("<script>\nconst costs=[")
	for i := range x.Symbols {
		s := &x.Symbols[i]
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('[')
		b.WriteString(strconv.FormatFloat(float64(s.Bits), 'f', 2, 32))
		fmt.Fprintf(b, ",%d", s.Rank)
		for _, g := range s.Guesses {
			if g.P == 0 {
				break
			}
			k, ok := index[g.Symbol]
			if !ok {
				k = len(names)
				index[g.Symbol] = k
				names = append(names, show(namesTheme, x.Bytes(g), 24))
			}
			fmt.Fprintf(b, ",%d,%d", k, int(math.Round(float64(g.P)*1000)))
		}
		b.WriteByte(']')
		if i%64 == 63 {
			b.WriteByte('\n')
		}
	}
	b.WriteString("];\nconst names=[")
	for i, n := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(jsString(n))
	}
	fmt.Fprintf(b, "];\n%s</script>\n</html>\n", pageJS)
}

var namesTheme = theme.Plain(theme.Braille)

// jsString quotes s for a script inside a page: "</script>" must not end it.
func jsString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
