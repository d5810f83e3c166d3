// Package term decides what may be done with a terminal: whether views may be
// drawn at all, with how many colours and which characters, and whether keys may
// be read.
package term

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/charmbracelet/colorprofile"
	xterm "github.com/charmbracelet/x/term"

	"github.com/llmz/llmz/tui/theme"
)

// Request is what to decide on.
type Request struct {
	Out     *os.File // where views would be drawn
	In      *os.File // where keys would come from, nil for nowhere
	Environ []string // as of os.Environ
	NoTUI   bool     // --no-tui
	Color   string   // --color: auto (or empty), always, never
}

// Terminal is what was decided.
type Terminal struct {
	// Views is whether to draw: false means plain lines without escape codes.
	Views bool
	// Watched is whether a person sees what is printed as it comes: it is a terminal,
	// a dumb one, too, and no log of a CI job.
	Watched bool
	// Keys is whether keys can be read.
	Keys    bool
	Profile colorprofile.Profile
	Glyphs  theme.Level
	// Dark is whether its background is taken for dark, until it tells itself.
	Dark bool
}

// Theme returns the theme for the terminal.
func (t Terminal) Theme() *theme.Theme {
	return theme.New(theme.Options{Dark: t.Dark, Profile: t.Profile, Glyphs: t.Glyphs})
}

// Detect decides.
func Detect(r Request) Terminal {
	outTTY := r.Out != nil && xterm.IsTerminal(r.Out.Fd())
	inTTY := r.In != nil && xterm.IsTerminal(r.In.Fd()) && foreground(r.In.Fd())
	return decide(r, outTTY, inTTY, runtime.GOOS)
}

func decide(r Request, outTTY, inTTY bool, goos string) Terminal {
	env := environ(r.Environ)
	name := env["TERM"]
	var t Terminal
	t.Watched = outTTY && !truthy(env["CI"])
	t.Views = t.Watched && !r.NoTUI && name != "dumb" && (name != "" || goos == "windows")
	t.Keys = t.Views && inTTY
	t.Profile = profile(r, env, outTTY, goos)
	t.Glyphs = glyphs(env, goos)
	t.Dark = dark(env)
	return t
}

// dark reads what some terminals leave in COLORFGBG, the numbers of their own
// colours ("0;15", the background last). Without it a dark background is likelier.
func dark(env map[string]string) bool {
	list := strings.Split(env["COLORFGBG"], ";")
	bg, err := strconv.Atoi(list[len(list)-1])
	return err != nil || bg != 7 && bg < 9
}

func profile(r Request, env map[string]string, outTTY bool, goos string) colorprofile.Profile {
	if r.Color == "never" {
		if !outTTY {
			return colorprofile.NoTTY
		}
		return colorprofile.ASCII
	}
	p := colorprofile.NoTTY
	switch {
	case r.Color != "always" && truthy(env["CI"]):
		return p // what is kept of its output is a plain text
	case outTTY && goos == runtime.GOOS && r.Out != nil:
		p = colorprofile.Detect(r.Out, r.Environ)
	case outTTY || r.Color == "always":
		p = colorprofile.Env(r.Environ)
	}
	switch {
	case r.Color == "always" && p < colorprofile.ANSI:
		p = colorprofile.ANSI
	case r.Color != "always" && env["NO_COLOR"] != "" && p > colorprofile.ASCII:
		// Any value but the empty one counts, "0" and "false" too: no-color.org.
		p = colorprofile.ASCII
	}
	return p
}

// glyphs picks the characters from the locale and the terminal's name;
// LLMZ_GLYPHS (ascii, block, braille) decides where the guess is wrong.
func glyphs(env map[string]string, goos string) theme.Level {
	switch env["LLMZ_GLYPHS"] {
	case "ascii":
		return theme.ASCII
	case "block":
		return theme.Block
	case "braille":
		return theme.Braille
	}
	if goos == "windows" {
		// The old console's fonts have no braille.
		if env["WT_SESSION"] != "" || env["TERM_PROGRAM"] != "" || env["TERM"] != "" {
			return theme.Braille
		}
		return theme.Block
	}
	locale := env["LC_ALL"]
	if locale == "" {
		locale = env["LC_CTYPE"]
	}
	if locale == "" {
		locale = env["LANG"]
	}
	locale = strings.ReplaceAll(strings.ToLower(locale), "-", "")
	if !strings.Contains(locale, "utf8") {
		return theme.ASCII
	}
	if env["TERM"] == "linux" {
		return theme.Block
	}
	return theme.Braille
}

func environ(list []string) map[string]string {
	m := make(map[string]string, len(list))
	for _, kv := range list {
		if k, v, ok := strings.Cut(kv, "="); ok {
			m[k] = v
		}
	}
	return m
}

func truthy(s string) bool { return s != "" && s != "0" && !strings.EqualFold(s, "false") }
