package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/text"
)

// A lineReporter prints warnings, a line for each job that is done, and what was
// lost. It is what scripts, pipes and logs get who asked for no more.
type lineReporter struct {
	a     *app
	w     io.Writer
	quiet bool // no line for what went well
	job   filejob.Job
}

func (l *lineReporter) begin(job filejob.Job) { l.job = job }

func (l *lineReporter) observe(e engine.Event) {
	if e, ok := e.(engine.Warning); ok && !l.job.Read.Salvage { // end lists what was lost
		l.a.warn(errors.New(filejob.DisplayName(l.job.Input) + ": " + e.Message))
	}
}

func (l *lineReporter) end(r filejob.Result, err error) {
	if r.Op == "" || err != nil && len(r.Damaged) == 0 {
		return
	}
	if !l.quiet {
		text.Fprintln(l.w, resultLine(r))
	}
	printDamage(l.w, r)
}

// resultLine tells in one line what a job did.
func resultLine(r filejob.Result) string {
	s := filejob.DisplayName(r.Input)
	switch {
	case r.Op == filejob.Test && len(r.Damaged) == 0:
		return s + ": OK"
	case r.Op == filejob.Test:
		return s + ": damaged"
	case r.Op == filejob.Compress:
		s += fmt.Sprintf(": %s -> %s bytes, %.2fx, %.2f BPC, %s", text.Count(r.OriginalBytes), text.Count(r.CompressedBytes), r.Ratio(), r.BPC(), text.Seconds(r.Elapsed))
	default:
		s += fmt.Sprintf(": %s -> %s bytes, %s", text.Count(r.CompressedBytes), text.Count(r.OriginalBytes), text.Seconds(r.Elapsed))
	}
	return s + ", " + outcome(r)
}

// outcome says where a job's output is, and what was done besides.
func outcome(r filejob.Result) string {
	s := outputName(r.Output)
	if r.Verified && r.Op == filejob.Compress || r.Removed {
		s += ", verified"
	}
	if r.Removed {
		s += ", source removed"
	}
	return s
}

// printDamage lists what a damaged archive has lost.
func printDamage(w io.Writer, r filejob.Result) {
	for _, d := range r.Damaged {
		text.Fprintf(w, "Lost in block %d: %s (%v)\n", d.Block, d, d.Err)
	}
}
