// Package text cuts, pads and formats strings for a terminal. Widths are
// terminal cells, never bytes: wide characters count two, combining marks none,
// escape sequences none.
//
// Determinism class: pure functions, no locale, no clock.
package text

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ellipsis marks what was cut.
const Ellipsis = "…"

// Width returns the cells s takes.
func Width(s string) int {
	if n, ok := simpleWidth(s); ok {
		return n
	}
	return ansi.StringWidth(s)
}

// simpleWidth measures what views mostly draw: ASCII, colour sequences, and the
// characters of lines, bars and curves, each one cell wide. It is some ten times
// faster than looking for grapheme clusters, and gives up on everything else.
func simpleWidth(s string) (n int, ok bool) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c >= ' ' && c < 0x7f:
			i++
			n++
		case c == 0x1b && i+1 < len(s) && s[i+1] == '[':
			i += 2
			for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == ';') {
				i++
			}
			if i >= len(s) || s[i] != 'm' {
				return 0, false
			}
			i++
		case c == 0xe2 && i+2 < len(s):
			r := rune(c&0x0f)<<12 | rune(s[i+1]&0x3f)<<6 | rune(s[i+2]&0x3f)
			line, braille := r >= 0x2500 && r <= 0x259f, r >= 0x2800 && r <= 0x28ff
			if !line && !braille || s[i+1]&0xc0 != 0x80 || s[i+2]&0xc0 != 0x80 {
				return 0, false
			}
			// What combines with it would follow, and not be simple.
			i += 3
			n++
		case c == 0xc2 && i+1 < len(s) && s[i+1] == 0xb7: // ·
			i += 2
			n++
		default:
			return 0, false
		}
	}
	return n, true
}

// Cut returns at most w cells of s, the last of them an ellipsis if something
// was left out.
func Cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if len(s) <= w || Width(s) <= w {
		// No string has more cells than bytes.
		return s
	}
	return ansi.Truncate(s, w, Ellipsis)
}

// Wrap breaks s into lines of at most w cells, between words where it can; long
// paths break behind their separators. There is always a line, and nothing but spaces
// is left out. s must hold no escape sequences.
func Wrap(s string, w int) []string {
	w = max(w, 2) // so that every character fits
	lines := []string{""}
	for _, word := range strings.Fields(s) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
		case Width(*last)+1+Width(word) <= w:
			*last += " " + word
			continue
		default:
			lines = append(lines, "")
		}
		for Width(word) > w {
			piece := ansi.Truncate(word, w, "")
			if i := strings.LastIndexAny(piece, `/\`); i >= len(piece)/2 {
				piece = piece[:i+1]
			}
			lines[len(lines)-1] = piece
			word = word[len(piece):]
			lines = append(lines, "")
		}
		lines[len(lines)-1] = word
	}
	return lines
}

// CutMiddle keeps the beginning and the end of s, where names differ, and
// marks what is missing between them. s must hold no escape sequences.
func CutMiddle(s string, w int) string {
	n := Width(s)
	if n <= w {
		return s
	}
	if w < 5 {
		return Cut(s, w)
	}
	tail := (w - 1) / 2
	head := w - 1 - tail
	end := ansi.TruncateLeft(s, n-tail, "")
	for more := 1; Width(end) > tail && more < w; more++ {
		// A wide character sits across the edge, or one that joins with others.
		end = ansi.TruncateLeft(s, n-tail+more, "")
	}
	begin := ansi.Truncate(s, head, "")
	if Width(end) > tail || Width(begin) > head {
		return Cut(s, w)
	}
	return join(join(begin, Ellipsis), end)
}

// Fit returns s in exactly w cells, aligned left.
func Fit(s string, w int) string {
	n := Width(s)
	if n > w {
		s = Cut(s, w)
		n = Width(s)
	}
	if n >= w {
		return s
	}
	return join(s, Spaces(w-n))
}

// FitRight returns s in exactly w cells, aligned right.
func FitRight(s string, w int) string {
	s = Cut(s, w)
	return join(Spaces(w-Width(s)), s)
}

// FitMiddle returns s in exactly w cells, cut in its middle.
func FitMiddle(s string, w int) string {
	s = CutMiddle(s, w)
	return join(s, Spaces(w-Width(s)))
}

// join puts b behind a without a character of theirs becoming part of another: a
// mark at the beginning of a text would combine with a space before it, some signs at
// its end with one behind, and the line be a cell short.
func join(a, b string) string {
	if a == "" || b == "" || a[len(a)-1] < 0x80 && b[0] < 0x80 || Width(a+b) == Width(a)+Width(b) {
		return a + b
	}
	return a + zeroWidthSpace + b
}

const zeroWidthSpace = "\u200b"

// Ends puts left and right at the two ends of a line of w cells. Right is kept
// whole as long as possible.
func Ends(left, right string, w int) string {
	rw := Width(right)
	if rw >= w {
		return Fit(right, w)
	}
	lw := w - rw
	if Width(left) >= lw {
		return join(Fit(left, lw-1)+" ", right)
	}
	return join(Fit(left, lw), right)
}

// Some joins as many parts as fit into w cells, the first ones first, with gap
// between them, and pads them to that width. A first part too long is cut.
func Some(parts []string, gap string, w int) string {
	line := ""
	for i, p := range parts {
		next := p
		if i > 0 {
			next = line + gap + p
		}
		if i > 0 && Width(next) > w {
			break
		}
		line = next
	}
	return Fit(line, w)
}

const blank = "                                                                                "

// Spaces returns n spaces, none if n is negative.
func Spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blank):
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// Block cuts or pads lines to exactly w × h cells.
func Block(lines []string, w, h int) []string {
	if h <= 0 {
		return nil
	}
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], w)
		} else {
			out[i] = Spaces(w)
		}
	}
	return out
}

// Beside joins two columns of lines with a gap between them; left must already
// be padded to one width.
func Beside(left, right []string, gap string) []string {
	n := max(len(left), len(right))
	w := 0
	if len(left) > 0 {
		w = Width(left[0])
	}
	out := make([]string, n)
	for i := range out {
		l, r := Spaces(w), ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		out[i] = l + gap + r
	}
	return out
}
