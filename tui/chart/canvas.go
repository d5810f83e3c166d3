package chart

import (
	"strings"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// canvas is a grid of cells to draw into. With braille a cell has 2 × 4 dots,
// otherwise one.
type canvas struct {
	t      *theme.Theme
	w, h   int // cells
	dots   []uint8
	glyph  []string
	style  []theme.Style
	braill bool
}

func newCanvas(t *theme.Theme, w, h int) *canvas {
	n := w * h
	return &canvas{t: t, w: w, h: h, dots: make([]uint8, n), glyph: make([]string, n), style: make([]theme.Style, n),
		braill: t.Glyph.Level == theme.Braille}
}

// size returns the number of dots across and down.
func (c *canvas) size() (w, h int) { return c.dotsOf(c.w, c.h) }

// dotsOf returns the number of dots in w × h cells.
func (c *canvas) dotsOf(w, h int) (int, int) {
	if c.braill {
		return w * 2, h * 4
	}
	return w, h
}

var brailleBits = [4][2]uint8{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// dot sets a dot; without braille it draws mark.
func (c *canvas) dot(x, y int, style theme.Style, mark string) {
	w, h := c.size()
	if x < 0 || y < 0 || x >= w || y >= h {
		return
	}
	if !c.braill {
		c.put(x, y, style, mark)
		return
	}
	i := y/4*c.w + x/2
	c.dots[i] |= brailleBits[y%4][x%2]
	c.style[i] = style
}

// put draws a character in a cell, over any dots.
func (c *canvas) put(x, y int, style theme.Style, g string) {
	if x < 0 || y < 0 || x >= c.w || y >= c.h {
		return
	}
	c.glyph[y*c.w+x], c.style[y*c.w+x] = g, style
}

// taken fills the cells that a wide character covers after its first.
const taken = "\x00"

// write puts a string, cut at the edge.
func (c *canvas) write(x, y int, style theme.Style, s string) {
	for _, r := range s {
		n := text.Width(string(r))
		if n == 0 || x+n > c.w {
			continue
		}
		c.put(x, y, style, string(r))
		for i := 1; i < n; i++ {
			c.put(x+i, y, style, taken)
		}
		x += n
	}
}

// free is whether n cells from x on are empty.
func (c *canvas) free(x, y, n int) bool {
	if x < 0 || y < 0 || y >= c.h || x+n > c.w {
		return false
	}
	for i := y*c.w + x; i < y*c.w+x+n; i++ {
		if c.glyph[i] != "" || c.dots[i] != 0 {
			return false
		}
	}
	return true
}

// line draws dots from one point to another; two beside each other with braille,
// whose single dots are hard to see as a line.
func (c *canvas) line(x0, y0, x1, y1 int, style theme.Style, mark string) {
	dx, dy := x1-x0, y1-y0
	n := max(abs(dx), abs(dy), 1)
	for i := 0; i <= n; i++ {
		x, y := x0+(dx*i*2+sign(dx)*n)/(2*n), y0+(dy*i*2+sign(dy)*n)/(2*n)
		c.dot(x, y, style, mark)
		switch {
		case !c.braill:
		case abs(dy) > abs(dx):
			c.dot(x+1, y, style, mark)
		default:
			c.dot(x, y+1, style, mark)
		}
	}
}

// step draws a column of a line of box characters that goes from one row to another.
func (c *canvas) step(x, from, to int, style theme.Style) {
	switch {
	case from == to:
		c.put(x, to, style, "─")
		return
	case from < to:
		c.put(x, from, style, "┐")
		c.put(x, to, style, "└")
	default:
		c.put(x, from, style, "┘")
		c.put(x, to, style, "┌")
	}
	for y := max(0, min(from, to)+1); y < min(c.h, max(from, to)); y++ {
		c.put(x, y, style, "│")
	}
}

func (c *canvas) lines() []string {
	out := make([]string, c.h)
	for y := range out {
		var b strings.Builder
		open := ""
		for x := range c.w {
			i := y*c.w + x
			g := c.glyph[i]
			if g == taken {
				continue
			}
			if g == "" && c.dots[i] != 0 {
				g = string(rune(0x2800 + int(c.dots[i])))
			}
			want := ""
			if g != "" {
				want = c.style[i].Open()
			} else {
				g = " "
			}
			if want != open {
				if open != "" {
					b.WriteString("\x1b[m")
				}
				b.WriteString(want)
				open = want
			}
			b.WriteString(g)
		}
		if open != "" {
			b.WriteString("\x1b[m")
		}
		out[y] = b.String()
	}
	return out
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
