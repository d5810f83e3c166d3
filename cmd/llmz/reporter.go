package main

import (
	"os"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/text"
)

// A reporter tells the user about jobs, one after the other: begin, then the
// engine's events, then end. A verification after a compression comes as a
// second Started … Finished, in the other direction. Errors are not a
// reporter's to print, but JSON has an object for them.
type reporter interface {
	begin(filejob.Job)
	observe(engine.Event)
	end(filejob.Result, error)
}

// newReporter returns the reporter that the flags and the terminal ask for, and
// what to call after the last job. dataOnStdout says that stdout carries data, so
// that results must go elsewhere; interrupt stops the jobs.
func (a *app) newReporter(op filejob.Op, files []string, dataOnStdout bool, interrupt func()) (rep reporter, done func()) {
	done = func() {}
	switch {
	case a.json != jsonOff && dataOnStdout:
		return &jsonReporter{w: &text.Writer{W: a.stderr, JSON: true}, events: a.json == jsonEvents, models: a.models}, done
	case a.json != jsonOff:
		return &jsonReporter{w: a.out(), events: a.json == jsonEvents, models: a.models}, done
	case a.quiet:
		return silentReporter{}, done
	case a.wantTUI() && !(dataOnStdout && (isTerminal(a.stdout) || isPipe(a.stdout) && !a.verbose)):
		// Data on the same terminal would run through the view, and so would what the
		// reader of a pipe shows there.
		v := newViewReporter(a, op, files, interrupt)
		return v, v.close
	case a.noTUI || a.verbose:
		return newPlainReporter(a), done
	case dataOnStdout:
		return &lineReporter{a: a, w: a.stderr, quiet: true}, done
	case a.terminal().Watched && len(files) == 1:
		return newPlainReporter(a), done
	}
	return &lineReporter{a: a, w: a.stderr}, done
}

// isPipe reports whether f is a pipe or a socket.
func isPipe(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// A silentReporter tells nothing.
type silentReporter struct{}

func (silentReporter) begin(filejob.Job)         {}
func (silentReporter) observe(engine.Event)      {}
func (silentReporter) end(filejob.Result, error) {}
