// Package inspect shows where the bits of an archive go: the content as a
// heat-map in which each symbol has the colour of its cost, with a cursor that
// tells what the model had expected. HTML writes the same as one page.
package inspect

import (
	"bytes"
	"sort"
	"unicode"
	"unicode/utf8"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// A row is a line of the screen: a stretch of the content.
type row struct {
	from, to int // byte offsets
	line     int // number of the content's line, from 0
	first    bool
}

// page is the content laid out for a width.
type page struct {
	x     *engine.Inspection
	t     *theme.Theme
	width int
	rows  []row
	lines []lineTotal
}

// lineTotal is what a line of the content cost, and what it would have cost with
// the bare model.
type lineTotal struct {
	bytes      int
	bits, bare float64
}

// cost returns the bits of the line, or those of the bare model.
func (l lineTotal) cost(bare bool) float64 {
	if bare {
		return l.bare
	}
	return l.bits
}

func (l lineTotal) bpc(bare bool) float64 {
	if l.bytes == 0 {
		return 0
	}
	return l.cost(bare) / float64(l.bytes)
}

// bitsOf returns the cost of a symbol in bits, or that with the bare model.
func bitsOf(s *engine.SymbolCost, bare bool) float64 {
	if bare {
		return float64(s.ModelBits)
	}
	return float64(s.Bits)
}

// newPage lays the content out in rows of at most width cells. A row ends behind
// a space if it can: only words that no row could hold are broken.
func newPage(x *engine.Inspection, t *theme.Theme, width int) *page {
	p := &page{x: x, t: t, width: max(1, width), lines: totals(x)}
	from, cells, line, first := 0, 0, 0, true
	word, before := 0, 0 // where the last word began, and the cells before it
	for i := 0; i < len(x.Content); {
		s, n := glyph(t, x.Content[i:])
		w := text.Width(s)
		space := x.Content[i] == ' ' || x.Content[i] == '\t' || x.Content[i] == '\n' || x.Content[i] == '\r'
		room := p.width
		if !space && room > 1 {
			room-- // kept for the space or line end that follows the word
		}
		if cells+w > room && i > from {
			at := i
			if word > from && !space {
				at = word
			}
			p.rows = append(p.rows, row{from, at, line, first})
			if at == word {
				cells -= before
			} else {
				cells = 0
			}
			from, first = at, false
		}
		cells += w
		end := x.Content[i] == '\n'
		i += n
		if space || w == 2 { // wide characters need no spaces between them
			word, before = i, cells
		}
		if end {
			p.rows = append(p.rows, row{from, i, line, first})
			from, cells, first = i, 0, true
			line++
		}
	}
	if from < len(x.Content) || len(p.rows) == 0 {
		p.rows = append(p.rows, row{from, len(x.Content), line, first})
	}
	return p
}

// totals adds up the symbols by the line they begin in.
func totals(x *engine.Inspection) []lineTotal {
	out := make([]lineTotal, 1+bytes.Count(x.Content, []byte{'\n'}))
	line, sym := 0, 0
	for i, b := range x.Content {
		for sym < len(x.Symbols) && x.Symbols[sym].Offset <= int64(i) {
			out[line].bits += float64(x.Symbols[sym].Bits)
			out[line].bare += float64(x.Symbols[sym].ModelBits)
			sym++
		}
		out[line].bytes++
		if b == '\n' {
			line++
		}
	}
	return out
}

// glyph returns what is drawn for the first character of b, and its length in
// bytes. It is never empty, so that every byte can be pointed at.
func glyph(t *theme.Theme, b []byte) (string, int) {
	switch b[0] {
	case '\n':
		return t.Glyph.Newline, 1
	case '\t':
		return t.Glyph.Arrow + " ", 1
	}
	r, n := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && n <= 1:
		return t.Glyph.Control, 1
	case r < utf8.RuneSelf && (r < ' ' || r == 0x7f):
		return t.Glyph.Control, 1
	case r >= utf8.RuneSelf && t.Glyphs == theme.ASCII:
		return "?", n
	case !unicode.IsPrint(r) || unicode.Is(unicode.Mn, r):
		return t.Glyph.Control, n
	}
	s := string(r)
	if w := text.Width(s); w < 1 || w > 2 {
		return t.Glyph.Control, n
	}
	return s, n
}

// around returns the character that the n bytes at offset i are a part of, nil
// where they are whole ones.
func around(content []byte, i, n int) []byte {
	for j := i; j >= max(0, i-utf8.UTFMax+1); j-- {
		if !utf8.RuneStart(content[j]) {
			continue
		}
		if _, size := utf8.DecodeRune(content[j:]); size > 1 && i < j+size && (j < i || i+n < j+size) {
			return content[j : j+size]
		}
		break
	}
	return nil
}

// symbolAt returns the index of the symbol that holds the byte at offset.
func symbolAt(x *engine.Inspection, offset int) int {
	i := sort.Search(len(x.Symbols), func(i int) bool { return x.Symbols[i].Offset > int64(offset) })
	return max(0, i-1)
}

// rowAt returns the index of the row that holds the byte at offset.
func (p *page) rowAt(offset int) int {
	i := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].from > offset })
	return max(0, i-1)
}

// A cell is a drawn character of a row.
type cell struct {
	glyph    string
	from, to int // byte offsets
	bits     float64
}

// cells returns the characters of a row with their costs: a character of several
// symbols costs their sum, one that shares a symbol with others all of it. bare
// takes the costs of the model without the mixer.
func (p *page) cells(r row, bare bool) []cell {
	var out []cell
	if len(p.x.Symbols) == 0 {
		return nil
	}
	sym := symbolAt(p.x, r.from)
	for i := r.from; i < r.to; {
		s, n := glyph(p.t, p.x.Content[i:])
		c := cell{glyph: s, from: i, to: min(i+n, r.to)}
		for sym < len(p.x.Symbols)-1 && p.x.Symbols[sym+1].Offset <= int64(i) {
			sym++
		}
		for j := sym; j < len(p.x.Symbols) && p.x.Symbols[j].Offset < int64(c.to); j++ {
			c.bits += bitsOf(&p.x.Symbols[j], bare)
		}
		out = append(out, c)
		i = c.to
	}
	return out
}

// show writes bytes as a person reads them: quoted, with names for what cannot
// be seen, in at most w cells.
func show(t *theme.Theme, b []byte, w int) string {
	s := ""
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case b[i] == '\n':
			s += `\n`
		case b[i] == '\r':
			s += `\r`
		case b[i] == '\t':
			s += `\t`
		case r == utf8.RuneError && n <= 1, r < ' ', r == 0x7f:
			const hex = "0123456789abcdef"
			s += `\x` + string(hex[b[i]>>4]) + string(hex[b[i]&15])
			n = 1
		default:
			g, m := glyph(t, b[i:])
			s += g
			n = m
		}
		i += n
	}
	return "'" + text.Cut(s, max(1, w-2)) + "'"
}
