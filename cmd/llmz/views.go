package main

import (
	"os"

	"github.com/llmz/llmz/tui/term"
	"github.com/llmz/llmz/tui/theme"
)

// terminal says what may be drawn on stderr.
func (a *app) terminal() term.Terminal { return a.terminalOn(a.stderr) }

// terminalOn says what may be drawn on f.
func (a *app) terminalOn(f *os.File) term.Terminal {
	return term.Detect(term.Request{
		Out: f, In: a.stdin, Environ: os.Environ(),
		NoTUI: a.noTUI || a.quiet || a.json != jsonOff, Color: string(a.color),
	})
}

// wantTUI reports whether commands may draw on the terminal rather than print
// plain lines.
func (a *app) wantTUI() bool { return a.terminal().Views }

// plainTheme is the theme for tables on stdout.
func (a *app) plainTheme() *theme.Theme {
	t := a.terminalOn(a.stdout)
	return t.Theme(true)
}
