package main

import (
	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
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

// newReporter returns the reporter that the flags ask for. dataOnStdout says
// that stdout carries data, so that results must go elsewhere.
func (a *app) newReporter(dataOnStdout bool) reporter {
	switch {
	case a.json != jsonOff && dataOnStdout:
		return &jsonReporter{w: a.stderr, events: a.json == jsonEvents}
	case a.json != jsonOff:
		return &jsonReporter{w: a.stdout, events: a.json == jsonEvents}
	case a.quiet:
		return silentReporter{}
	}
	return newPlainReporter(a)
}

// A silentReporter tells nothing.
type silentReporter struct{}

func (silentReporter) begin(filejob.Job)         {}
func (silentReporter) observe(engine.Event)      {}
func (silentReporter) end(filejob.Result, error) {}
