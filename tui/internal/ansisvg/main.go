// Command ansisvg turns a captured terminal screen, colours included, into an
// SVG picture for the documentation.
//
//	tmux capture-pane -e -p | go run ./tui/internal/ansisvg -cols 80 > screen.svg
package main

import (
	"bufio"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/llmz/llmz/tui/text"
)

func main() {
	cols := flag.Int("cols", 80, "width of the screen in cells")
	light := flag.Bool("light", false, "dark text on a light background")
	flag.Parse()
	p := &dark
	if *light {
		p = &bright
	}
	if err := run(os.Stdin, os.Stdout, *cols, p); err != nil {
		fmt.Fprintln(os.Stderr, "ansisvg:", err)
		os.Exit(1)
	}
}

func run(r io.Reader, w io.Writer, cols int, p *palette) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	b := bufio.NewWriter(w)
	p.draw(b, lines, cols)
	return b.Flush()
}

// Sizes in pixels.
const (
	cellW, cellH = 8.4, 18.0
	margin       = 14.0
	fontSize     = 14
)

// palette is what the terminal's own colours look like.
type palette struct {
	paper, ink string
	basic      [16]string
}

var (
	dark = palette{"#0b1120", "#e2e8f0", [16]string{"#1e293b", "#fb7185", "#4ade80", "#fbbf24", "#60a5fa", "#c4b5fd", "#2dd4bf", "#e2e8f0",
		"#64748b", "#fda4af", "#86efac", "#fcd34d", "#93c5fd", "#ddd6fe", "#5eead4", "#f8fafc"}}
	bright = palette{"#ffffff", "#0f172a", [16]string{"#0f172a", "#b91c1c", "#15803d", "#a16207", "#1d4ed8", "#6d28d9", "#0f766e", "#cbd5e1",
		"#64748b", "#e11d48", "#16a34a", "#ca8a04", "#2563eb", "#7c3aed", "#0d9488", "#f8fafc"}}
)

// style is what the escape sequences so far ask for.
type style struct {
	fg, bg                         string // empty: the usual
	bold, faint, underline, invert bool
}

func (p *palette) draw(b *bufio.Writer, lines []string, cols int) {
	w := float64(cols)*cellW + 2*margin
	h := float64(len(lines))*cellH + 2*margin
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">`+"\n", w, h, w, h)
	fmt.Fprintf(b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", p.paper)
	fmt.Fprintf(b, `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="%d" fill="%s">`+"\n", fontSize, p.ink)
	var st style
	for y, line := range lines {
		p.drawLine(b, line, y, &st)
	}
	b.WriteString("</g>\n</svg>\n")
}

// drawLine draws the runs of a line that have one style.
func (p *palette) drawLine(b *bufio.Writer, line string, y int, st *style) {
	x := 0
	var run strings.Builder
	flush := func() {
		if run.Len() > 0 {
			x += p.drawRun(b, run.String(), x, y, *st)
			run.Reset()
		}
	}
	for len(line) > 0 {
		if strings.HasPrefix(line, "\x1b[") {
			if end := strings.IndexFunc(line[2:], func(r rune) bool { return r >= '@' && r <= '~' }); end >= 0 {
				if line[2+end] == 'm' {
					flush()
					st.apply(line[2:2+end], p)
				}
				line = line[3+end:]
				continue
			}
		}
		if line[0] < ' ' {
			line = line[1:]
			continue
		}
		r, n := utf8.DecodeRuneInString(line)
		line = line[n:]
		if r > braille && r <= braille+0xff {
			flush()
			p.drawDots(b, r, x, y, *st)
			x++
			continue
		}
		run.WriteRune(r)
	}
	flush()
}

// braille is the first of the characters that are drawn here: few fonts have them,
// and those in another width than the rest.
const braille = 0x2800

// drawDots draws a braille character.
func (p *palette) drawDots(b *bufio.Writer, r rune, x, y int, st style) {
	fg := st.fg
	if fg == "" {
		fg = p.ink
	}
	fmt.Fprintf(b, `<path fill="%s" d="`, fg)
	for bit, at := range [8][2]float64{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}} {
		if r>>bit&1 != 0 {
			fmt.Fprintf(b, "M%.1f %.1fh3.2v3.2h-3.2z", margin+(float64(x)+at[0]/2)*cellW+0.5, margin+(float64(y)+at[1]/4)*cellH+0.6)
		}
	}
	b.WriteString("\"/>\n")
}

// drawRun draws text at a cell and returns its width in cells.
func (p *palette) drawRun(b *bufio.Writer, s string, x, y int, st style) int {
	n := text.Width(s)
	fg, bg := st.fg, st.bg
	if st.invert {
		if fg == "" {
			fg = p.ink
		}
		if bg == "" {
			bg = p.paper
		}
		fg, bg = bg, fg
	}
	left, top := margin+float64(x)*cellW, margin+float64(y)*cellH
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" fill="%s"/>`, left, top, float64(n)*cellW, cellH, bg)
	}
	// Browsers collapse spaces, each in its own way: those at the ends become a
	// place, those inside ones that do not break.
	inner := strings.Trim(s, " ")
	if inner == "" {
		return n
	}
	left += float64(len(s)-len(strings.TrimLeft(s, " "))) * cellW
	inner = strings.ReplaceAll(inner, " ", "\u00a0")
	attrs := ""
	if fg != "" {
		attrs += fmt.Sprintf(` fill="%s"`, fg)
	}
	if st.bold {
		attrs += ` font-weight="bold"`
	}
	if st.faint {
		attrs += ` opacity="0.6"`
	}
	if st.underline {
		attrs += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		left, top+cellH*0.76, float64(text.Width(inner))*cellW, attrs, html.EscapeString(inner))
	return n
}

// apply takes the parameters of an SGR sequence.
func (st *style) apply(params string, colours *palette) {
	var p []int
	for _, s := range strings.FieldsFunc(params, func(r rune) bool { return r == ';' || r == ':' }) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return
		}
		p = append(p, n)
	}
	if len(p) == 0 {
		*st = style{}
	}
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == 0:
			*st = style{}
		case c == 1:
			st.bold = true
		case c == 2:
			st.faint = true
		case c == 4:
			st.underline = true
		case c == 7:
			st.invert = true
		case c == 22:
			st.bold, st.faint = false, false
		case c == 24:
			st.underline = false
		case c == 27:
			st.invert = false
		case c == 39:
			st.fg = ""
		case c == 49:
			st.bg = ""
		case c >= 30 && c <= 37:
			st.fg = colours.indexed(c - 30)
		case c >= 40 && c <= 47:
			st.bg = colours.indexed(c - 40)
		case c >= 90 && c <= 97:
			st.fg = colours.indexed(c - 90 + 8)
		case c >= 100 && c <= 107:
			st.bg = colours.indexed(c - 100 + 8)
		case c == 38 || c == 48:
			colour := ""
			switch {
			case i+2 < len(p) && p[i+1] == 5:
				colour = colours.indexed(p[i+2])
				i += 2
			case i+4 < len(p) && p[i+1] == 2:
				colour = fmt.Sprintf("#%02x%02x%02x", p[i+2]&255, p[i+3]&255, p[i+4]&255)
				i += 4
			default:
				return
			}
			if c == 38 {
				st.fg = colour
			} else {
				st.bg = colour
			}
		}
	}
}

// indexed returns a colour of the palette of 256.
func (p *palette) indexed(n int) string {
	switch {
	case n < 16:
		return p.basic[max(0, n)]
	case n < 232:
		level := func(v int) int {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		n -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
	}
	v := 8 + 10*(min(n, 255)-232)
	return fmt.Sprintf("#%02x%02x%02x", v, v, v)
}
