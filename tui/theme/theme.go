// Package theme turns meaning into colours and characters. The views name what
// a thing is (Good, Muted, the third series); only this package knows how that
// looks in a light or dark terminal, with millions of colours, 256, 16 or none,
// and with which characters bars and curves can be drawn.
//
// Concurrency: a Theme is never changed once made and may be shared.
package theme

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/llmz/llmz/engine"
)

// A Style is a ready-made pair of escape sequences. The zero Style changes
// nothing.
type Style struct {
	open string
	fg   color.Color
	a    attr
}

// Lipgloss returns the style for components that others made; backgrounds are not
// part of it.
func (y Style) Lipgloss() lipgloss.Style {
	return lipgloss.NewStyle().Foreground(y.fg).Bold(y.a&attrBold != 0).Faint(y.a&attrFaint != 0).Reverse(y.a&attrReverse != 0)
}

// Render returns s in the style. s should be one line without escape sequences.
func (y Style) Render(s string) string {
	if y.open == "" || s == "" {
		return s
	}
	return y.open + s + ansi.ResetStyle
}

// Open returns the sequence that begins the style; a caller that writes many
// cells uses it to write one sequence for a run of them.
func (y Style) Open() string { return y.open }

// Options say what the terminal can do.
type Options struct {
	Dark    bool
	Profile colorprofile.Profile
	Glyphs  Level
}

// Theme holds the styles by meaning.
type Theme struct {
	Options
	Glyph Glyphs

	Text     Style // what the terminal uses anyway
	Strong   Style // the one thing on a line
	Title    Style // names of panels
	Brand    Style // the program's own name
	Muted    Style // labels, units
	Faint    Style // rules, empty parts of bars
	Accent   Style // progress, focus
	Good     Style
	Warn     Style
	Bad      Style
	Key      Style // keys in the help line
	Selected Style // the line under the cursor
	Series   []Style
	Stages   [engine.NumStages]Style
	heat     [HeatLevels]Style
}

// tone is one colour on dark and light backgrounds, for terminals with 16
// colours given by number; -1 stands for the default colour, made faint.
type tone struct {
	dark, light string
	ansi        int
}

var (
	toneAccent = tone{"#2dd4bf", "#0f766e", 6}
	toneGood   = tone{"#4ade80", "#15803d", 2}
	toneWarn   = tone{"#fbbf24", "#b45309", 3}
	toneBad    = tone{"#fb7185", "#b91c1c", 1}
	toneBrand  = tone{"#c4b5fd", "#6d28d9", 5}
	toneMuted  = tone{"#94a3b8", "#5b6675", -1}
	toneFaint  = tone{"#475569", "#b6c0cc", -1}
)

// The first ones differ in lightness too, for people who see few colours.
var seriesTones = []tone{
	{"#2dd4bf", "#0f766e", 6},
	{"#fbbf24", "#b45309", 3},
	{"#c4b5fd", "#6d28d9", 5},
	{"#fb7185", "#b91c1c", 1},
	{"#60a5fa", "#1d4ed8", 4},
	{"#a3e635", "#4d7c0f", 2},
	{"#fdba74", "#9a3412", 11},
	{"#e2e8f0", "#334155", 7},
}

var stageTones = [engine.NumStages]tone{
	engine.StageInfer:    {"#2dd4bf", "#0f766e", 6},
	engine.StageUpdate:   {"#60a5fa", "#1d4ed8", 4},
	engine.StageMix:      {"#c4b5fd", "#6d28d9", 5},
	engine.StageCode:     {"#fbbf24", "#b45309", 3},
	engine.StageTokenize: {"#a3e635", "#4d7c0f", 2},
	engine.StageRead:     {"#fb7185", "#b91c1c", 1},
	engine.StageWrite:    {"#fdba74", "#9a3412", 11},
	engine.StageOther:    {"#94a3b8", "#64748b", -1},
}

// New returns the theme for a terminal.
func New(o Options) *Theme {
	t := &Theme{Options: o, Glyph: glyphs[o.Glyphs]}
	t.Strong = t.style(nil, nil, attrBold)
	t.Title = t.fg(toneAccent, attrBold)
	t.Brand = t.fg(toneBrand, attrBold)
	t.Muted = t.fg(toneMuted, 0)
	t.Faint = t.fg(toneFaint, 0)
	t.Accent = t.fg(toneAccent, 0)
	t.Good = t.fg(toneGood, 0)
	t.Warn = t.fg(toneWarn, 0)
	t.Bad = t.fg(toneBad, 0)
	t.Key = t.fg(toneAccent, attrBold)
	t.Selected = t.style(nil, nil, attrReverse)
	for _, s := range seriesTones {
		t.Series = append(t.Series, t.fg(s, 0))
	}
	for i, s := range stageTones {
		t.Stages[i] = t.fg(s, 0)
	}
	t.initHeat()
	return t
}

// On returns the theme for a terminal with that background: t itself where that
// makes no difference.
func (t *Theme) On(dark bool) *Theme {
	if t.Dark == dark || t.Profile <= colorprofile.ANSI {
		return t
	}
	o := t.Options
	o.Dark = dark
	return New(o)
}

// Plain returns a theme that writes no escape sequences at all.
func Plain(g Level) *Theme {
	return New(Options{Dark: true, Profile: colorprofile.NoTTY, Glyphs: g})
}

// Line returns the style and the mark of a series, so that they can be told
// apart without colours.
func (t *Theme) Line(i int) (Style, string) {
	return t.Series[i%len(t.Series)], t.Glyph.Marks[i%len(t.Glyph.Marks)]
}

// Colourful is whether the terminal shows colours.
func (t *Theme) Colourful() bool { return t.Profile >= colorprofile.ANSI }

type attr uint8

const (
	attrBold attr = 1 << iota
	attrFaint
	attrUnderline
	attrReverse
)

func (t *Theme) fg(c tone, a attr) Style {
	if t.Profile == colorprofile.ASCII && c.ansi < 0 {
		return t.style(nil, nil, a|attrFaint)
	}
	if t.Profile == colorprofile.ANSI && c.ansi < 0 {
		return t.style(nil, nil, a|attrFaint)
	}
	return t.style(t.colour(c), nil, a)
}

func (t *Theme) colour(c tone) color.Color {
	if t.Profile == colorprofile.ANSI {
		return ansi.BasicColor(c.ansi)
	}
	if t.Dark {
		return lipgloss.Color(c.dark)
	}
	return lipgloss.Color(c.light)
}

func (t *Theme) style(fg, bg color.Color, a attr) Style {
	if t.Profile <= colorprofile.NoTTY {
		return Style{}
	}
	var s ansi.Style
	if a&attrBold != 0 {
		s = s.Bold()
	}
	if a&attrFaint != 0 {
		s = s.Faint()
	}
	if a&attrUnderline != 0 {
		s = s.Underline(true)
	}
	if a&attrReverse != 0 {
		s = s.Reverse(true)
	}
	if t.Profile >= colorprofile.ANSI {
		if fg != nil {
			s = s.ForegroundColor(t.Profile.Convert(fg))
		}
		if bg != nil {
			s = s.BackgroundColor(t.Profile.Convert(bg))
		}
	}
	if len(s) == 0 {
		return Style{}
	}
	y := Style{open: s.String(), a: a}
	if fg != nil && t.Profile >= colorprofile.ANSI {
		y.fg = t.Profile.Convert(fg)
	}
	return y
}

// Rule returns a horizontal line of w cells with a title in it.
func (t *Theme) Rule(title string, w int) string {
	if w <= 0 {
		return ""
	}
	if title == "" {
		return t.Faint.Render(strings.Repeat(t.Glyph.Horizontal, w))
	}
	title = ansi.Truncate(title, max(0, w-4), "")
	n := w - ansi.StringWidth(title) - 3
	return t.Faint.Render(t.Glyph.Horizontal) + " " + t.Title.Render(title) + " " +
		t.Faint.Render(strings.Repeat(t.Glyph.Horizontal, max(0, n)))
}
