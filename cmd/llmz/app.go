package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// An app is what all commands share: the standard streams, the global flags and
// the models.
type app struct {
	stdin, stdout, stderr *os.File

	quiet   bool
	verbose bool
	noTUI   bool
	json    jsonMode
	color   colorMode

	models *models.Registry

	// settings are the person's defaults, of commands that take any.
	settings settings

	// held collects messages while a view has the terminal; nil otherwise.
	held *bytes.Buffer

	// seen is the theme of the last view, once the terminal has told its background;
	// nil before.
	seen *theme.Theme

	// gate keeps from the terminal what text made by others holds.
	gate text.Writer

	// lost is the first failure to write to stdout what is no job's output.
	lost error

	// stopped is closed when a signal told the program to stop.
	stopped <-chan struct{}

	// unread is set once nobody reads stdout or stderr any more.
	unread *atomic.Bool
}

// out is where results for the user go. Writing there always goes well: execute tells if
// it did not.
func (a *app) out() io.Writer { return resultWriter{a, true} }

// pages is out for what is no text for a terminal.
func (a *app) pages() io.Writer { return resultWriter{a, false} }

type resultWriter struct {
	a     *app
	gated bool
}

func (w resultWriter) Write(p []byte) (int, error) {
	if w.a.lost == nil {
		w.a.lost = outfile.CheckStream(w.a.stdout)
	}
	switch {
	case w.a.lost != nil:
	case w.gated:
		w.a.gate.W, w.a.gate.JSON = w.a.stdout, w.a.json != jsonOff
		_, w.a.lost = w.a.gate.Write(p)
	default:
		_, w.a.lost = w.a.stdout.Write(p)
	}
	return len(p), nil
}

// messages is where messages for the user go.
func (a *app) messages() io.Writer {
	if a.held != nil {
		return a.held
	}
	return a.stderr
}

// hold keeps messages back until release.
func (a *app) hold() { a.held = new(bytes.Buffer) }

// release prints what was held back.
func (a *app) release() {
	if a.held != nil {
		a.held.WriteTo(a.stderr)
		a.held = nil
	}
}

func newApp(stdin, stdout, stderr *os.File) *app {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, color: colorAuto, models: models.NewRegistry(), unread: new(atomic.Bool)}
	a.models.Notice = func(s string) { a.warn(errors.New(s)) }
	return a
}

// execute runs one command line and returns the exit code. It prints the error,
// if any: nothing else does.
func (a *app) execute(ctx context.Context, args []string) int {
	a.stopped = ctx.Done()
	root := newRootCommand(a)
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.out())
	root.SetErr(&text.Writer{W: a.stderr})
	err := root.ExecuteContext(ctx)
	if e := a.gate.Flush(); a.lost == nil {
		a.lost = e
	}
	if err == nil {
		err = a.lost
	}
	if err != nil && ctx.Err() != nil {
		// Whatever broke after the interrupt broke because of it.
		var reported *reportedError
		if !errors.As(err, &reported) {
			err = context.Canceled
		}
	}
	var reported *reportedError
	if err != nil && !errors.As(err, &reported) {
		a.printError(err)
	}
	return exitCode(err)
}

// printError prints an error and its hint to stderr. That nobody reads the output
// any more is no error to speak of: whoever reads only its start wants that.
func (a *app) printError(err error) {
	if a.unread.Load() || errors.Is(err, syscall.EPIPE) && brokenOutput() != nil {
		return
	}
	if errors.Is(err, context.Canceled) {
		text.Fprintln(a.messages(), "llmz: interrupted")
		return
	}
	text.Fprintf(a.messages(), "llmz: %s\n", a.paint(text.Error(err), colorRed))
	hint := hintFor(err)
	var usage *usageError
	if hint == "" && errors.As(err, &usage) {
		hint = `"llmz help" lists the commands and flags`
	}
	if hint != "" {
		text.Fprintf(a.messages(), "llmz: hint: %s\n", hint)
	}
}

// warn prints a warning to stderr, unless --quiet.
func (a *app) warn(err error) {
	if a.quiet {
		return
	}
	text.Fprintf(a.messages(), "llmz: warning: %s\n", a.paint(text.Error(err), colorYellow))
	if hint := hintFor(err); hint != "" {
		text.Fprintf(a.messages(), "llmz: hint: %s\n", hint)
	}
}

// isTerminal reports whether f is a terminal.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// The colours of messages, as ANSI SGR codes.
const (
	colorRed    = "31"
	colorYellow = "33"
	colorBold   = "1"
)

// paint cleans s and colours it if stderr shows colours.
func (a *app) paint(s, code string) text.Safe {
	s = text.Clean(s)
	if a.colored(a.stderr) {
		s = "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	return text.Safe(s)
}

// colored reports whether text for f is to have colours.
func (a *app) colored(f *os.File) bool {
	return a.terminalOn(f).Profile >= colorprofile.ANSI
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, not %q", cmd.CommandPath(), strings.Join(args, " "))
	}
	return nil
}

// minArgs refuses fewer than n arguments.
func minArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("%s needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// exactArgs refuses any but n arguments.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}
