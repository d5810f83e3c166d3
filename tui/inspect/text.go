package inspect

import (
	"bufio"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// Text writes the content line by line, each with its number, its bits and its
// BPC, and with the colours of the costs if the theme has any. It moves no
// cursor: it can be piped, and read aloud.
func Text(w io.Writer, x *engine.Inspection, t *theme.Theme, width int) error {
	b := bufio.NewWriter(w)
	const head = 6 + 1 + 9 + 1 + 6 + 2
	p := newPage(x, t, max(20, width-head))
	fmt.Fprintf(b, "%6s %9s %6s  %s\n", "line", "bits", "BPC", "text")
	for _, r := range p.rows {
		if r.first {
			l := p.lines[r.line]
			fmt.Fprintf(b, "%6d %9.1f %6.2f  ", r.line+1, l.bits, l.bpc(false))
		} else {
			b.WriteString(text.Spaces(head))
		}
		open := ""
		for _, c := range p.cells(r, false) {
			if style := t.Heat(theme.HeatLevel(c.bits)).Open(); style != open {
				if open != "" {
					b.WriteString("\x1b[m")
				}
				b.WriteString(style)
				open = style
			}
			b.WriteString(c.glyph)
		}
		if open != "" {
			b.WriteString("\x1b[m")
		}
		b.WriteByte('\n')
	}
	bpc := 0.0
	if n := len(x.Content); n > 0 {
		bpc = x.Bits / float64(n)
	}
	fmt.Fprintf(b, "%6s %9.1f %6.3f  %s bytes, %s symbols\n", "all", x.Bits, bpc, text.Count(int64(len(x.Content))), text.Count(int64(len(x.Symbols))))
	if size, rest, whole := archiveSize(x); whole && len(x.Content) > 0 {
		fmt.Fprintf(b, "archive: %s bytes, %.3f BPC, %s of them headers and checksums; %s\n", text.Count(size), 8*float64(size)/float64(len(x.Content)), text.Count(rest), holds(x))
	}
	return b.Flush()
}
