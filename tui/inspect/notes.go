package inspect

import (
	"bufio"
	"fmt"
	"math"
	"strings"
	"unicode/utf16"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/theme"
)

// pageNotes are what the page's script shows of the marks under the pointer, line
// by line, in as few characters as will do. Numbers are written in base 64, most
// significant digit first. A mark begins with a digit f.
//
// f < 48: the model's first guess came true, one UTF-16 unit on the page, for f/48
// bits. That is all: what else it guessed matters little.
//
// Otherwise f = 48 + u + 2g + 8r, and there follow
//
//	2 digits       the cost in 64ths of a bit, at most 63.98
//	1 digit        the rank, 0 without a model; 3 digits where r is 1
//	2 digits       the number of UTF-16 units on the page, where u is 1; else it is 1
//	g times        a guess: its index among the names in 1 digit, or a digit from 48
//	               on, less 48, and 2 more digits; and its probability in 63rds
type pageNotes struct {
	x     *engine.Inspection
	lines []string
	line  strings.Builder
	names []string
	index map[int32]int
}

// cheap is where the digits end that stand for a whole mark.
const cheap = 48

// kept is how many guesses the page keeps of a mark: fewer where there are many.
func (p *pageNotes) kept() int {
	if len(p.x.Symbols) > 100_000 {
		return 2
	}
	return 3
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func newPageNotes(x *engine.Inspection) *pageNotes {
	return &pageNotes{x: x, index: map[int32]int{}}
}

// number writes the lowest n digits of v.
func (p *pageNotes) number(v, n int) {
	for i := n - 1; i >= 0; i-- {
		p.line.WriteByte(digits[v>>(6*i)&63])
	}
}

// add notes a mark of the line and how it is shown.
func (p *pageNotes) add(m mark, shown string) {
	s := &p.x.Symbols[m.sym]
	units := 0
	for _, r := range shown {
		units += utf16.RuneLen(r)
	}
	if f := int(math.Round(m.bits * cheap)); s.Rank == 1 && s.Guesses[0].P >= 0.5 && units == 1 && f < cheap {
		p.number(f, 1)
		return
	}
	guesses := s.Guesses[:p.kept()]
	for len(guesses) > 0 && guesses[len(guesses)-1].P == 0 {
		guesses = guesses[:len(guesses)-1]
	}
	f, rank := cheap+2*len(guesses), 1
	if units != 1 {
		f++
	}
	if s.Rank > 63 {
		f, rank = f+8, 3
	}
	p.number(f, 1)
	p.number(min(int(math.Round(m.bits*64)), 64*64-1), 2)
	p.number(int(s.Rank), rank)
	if units != 1 {
		p.number(min(units, 64*64-1), 2)
	}
	for _, g := range guesses {
		k, ok := p.index[g.Symbol]
		if !ok {
			k = len(p.names)
			p.index[g.Symbol] = k
			p.names = append(p.names, show(namesTheme, p.x.Bytes(g), 24))
		}
		if k < cheap {
			p.number(k, 1)
		} else {
			p.number(cheap<<12+k, 3)
		}
		p.number(int(math.Round(float64(g.P)*63)), 1)
	}
}

func (p *pageNotes) endLine() {
	p.lines = append(p.lines, p.line.String())
	p.line.Reset()
}

// write ends the page with the notes and the script.
func (p *pageNotes) write(b *bufio.Writer) {
	b.WriteString("<script>\nconst lines=[\n")
	for _, l := range p.lines {
		fmt.Fprintf(b, "\"%s\",\n", l)
	}
	b.WriteString("];\nconst names=[")
	for i, n := range p.names {
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
