package term

import (
	"testing"

	"github.com/charmbracelet/colorprofile"

	"github.com/llmz/llmz/tui/theme"
)

func TestDecide(t *testing.T) {
	utf8 := "LANG=en_GB.UTF-8"
	cases := []struct {
		name          string
		r             Request
		out, in       bool
		goos          string
		views, keys   bool
		profile       colorprofile.Profile
		glyphs        theme.Level
		ignoreProfile bool
	}{
		{"terminal", Request{Environ: []string{"TERM=xterm-256color", utf8}}, true, true, "plan9", true, true, colorprofile.ANSI256, theme.Braille, false},
		{"redirected", Request{Environ: []string{"TERM=xterm-256color", utf8}}, false, true, "plan9", false, false, colorprofile.NoTTY, theme.Braille, false},
		{"dumb", Request{Environ: []string{"TERM=dumb", utf8}}, true, true, "plan9", false, false, colorprofile.NoTTY, theme.Braille, false},
		{"no TERM", Request{Environ: []string{utf8}}, true, true, "plan9", false, false, 0, theme.Braille, true},
		{"no TERM on Windows", Request{}, true, true, "windows", true, true, 0, theme.Block, true},
		{"CI", Request{Environ: []string{"TERM=xterm", "CI=true", utf8}}, true, true, "plan9", false, false, colorprofile.NoTTY, theme.Braille, false},
		{"--color always in CI", Request{Color: "always", Environ: []string{"TERM=xterm-256color", "CI=true", utf8}}, true, true, "plan9", false, false, colorprofile.ANSI256, theme.Braille, false},
		{"CI=false", Request{Environ: []string{"TERM=xterm", "CI=false", utf8}}, true, true, "plan9", true, true, 0, theme.Braille, true},
		{"--no-tui", Request{NoTUI: true, Environ: []string{"TERM=xterm", utf8}}, true, true, "plan9", false, false, 0, theme.Braille, true},
		{"NO_COLOR", Request{Environ: []string{"TERM=xterm-256color", "NO_COLOR=0", utf8}}, true, true, "plan9", true, true, colorprofile.ASCII, theme.Braille, false},
		{"--color never", Request{Color: "never", Environ: []string{"TERM=xterm-256color", utf8}}, true, false, "plan9", true, false, colorprofile.ASCII, theme.Braille, false},
		{"--color always in a pipe", Request{Color: "always", Environ: []string{"TERM=xterm", "NO_COLOR=1", utf8}}, false, false, "plan9", false, false, colorprofile.ANSI, theme.Braille, false},
		{"C locale", Request{Environ: []string{"TERM=xterm", "LANG=C"}}, true, true, "plan9", true, true, 0, theme.ASCII, true},
		{"LC_ALL wins", Request{Environ: []string{"TERM=xterm", utf8, "LC_ALL=C"}}, true, true, "plan9", true, true, 0, theme.ASCII, true},
		{"console", Request{Environ: []string{"TERM=linux", utf8}}, true, true, "plan9", true, true, 0, theme.Block, true},
		{"own wish", Request{Environ: []string{"TERM=xterm", utf8, "LLMZ_GLYPHS=ascii"}}, true, true, "plan9", true, true, 0, theme.ASCII, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := decide(c.r, c.out, c.in, c.goos)
			if got.Views != c.views || got.Keys != c.keys || got.Glyphs != c.glyphs {
				t.Errorf("got %+v, want views %v keys %v glyphs %v", got, c.views, c.keys, c.glyphs)
			}
			if !c.ignoreProfile && got.Profile != c.profile {
				t.Errorf("profile %v, want %v", got.Profile, c.profile)
			}
		})
	}
}

func TestDarkUntilTold(t *testing.T) {
	for value, want := range map[string]bool{"": true, "15;0": true, "0;15": false, "0;7": false, "12;8": true, "0;default;15": false, "15;default": true} {
		r := Request{Environ: []string{"TERM=xterm-256color", "COLORFGBG=" + value}}
		if got := decide(r, true, true, "plan9").Theme(); got.Dark != want {
			t.Errorf("COLORFGBG=%q: dark %v", value, got.Dark)
		}
	}
}

// Without views nothing may hold an escape code.
func TestNoTTYThemeIsPlain(t *testing.T) {
	th := Terminal{Profile: colorprofile.NoTTY}.Theme()
	for i := range theme.HeatLevels {
		if s := th.Heat(i).Render("x"); s != "x" {
			t.Errorf("heat %d: %q", i, s)
		}
	}
	if s := th.Bad.Render("x"); s != "x" {
		t.Errorf("%q", s)
	}
}
