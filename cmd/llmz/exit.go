package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/outfile"
	"github.com/llmz/llmz/engine/predict"
)

// The exit codes. Scripts rely on them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitCorrupt     = 3
	exitMissing     = 4
	exitInterrupted = 130
)

// A usageError is a mistake on the command line.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return e.hint }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// A hintError adds what to do to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }
func (e *hintError) Hint() string  { return e.hint }

func withHint(err error, hint string) error { return &hintError{err, hint} }

// A reportedError is an exit code whose message has been printed already.
type reportedError struct{ code int }

func (e *reportedError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitCode returns the exit code that tells a script what err was.
func exitCode(err error) int {
	var reported *reportedError
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &reported):
		return reported.code
	case errors.As(err, &usage), errors.Is(err, engine.ErrOptions):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, predict.ErrModelMissing), errors.Is(err, predict.ErrRuntimeMissing), errors.Is(err, predict.ErrMismatch):
		return exitMissing
	case isCorrupt(err):
		return exitCorrupt
	}
	return exitFailed
}

// worstCode returns the exit code of a run in which some files ended with a and
// another with b: an interrupt ends everything, otherwise the first failure's
// code stands.
func worstCode(a, b int) int {
	if b == exitInterrupted || a == exitOK {
		return b
	}
	return a
}

// each calls f for one argument after the other and prints the errors: one that fails does not
// stop the others, an interrupt does. The error has the exit code that says so.
func (a *app) each(ctx context.Context, args []string, f func(i int, arg string) error) error {
	code := exitOK
	for i, arg := range args {
		err := f(i, arg)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var reported *reportedError
		if err != nil && !errors.As(err, &reported) {
			a.printError(err)
		}
		code = worstCode(code, exitCode(err))
	}
	if code != exitOK {
		return &reportedError{code}
	}
	return nil
}

// isPart reports whether err is about one of several parts.
func isPart(err error) bool {
	var part *engine.PartError
	return errors.As(err, &part)
}

// hintFor returns what a person can do about err, empty where nothing is known.
func hintFor(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, outfile.ErrStdinClosed):
		return "name a FILE, or redirect standard input"
	case errors.Is(err, outfile.ErrStdoutClosed):
		return "redirect standard output to a file, or with >/dev/null"
	case errors.Is(err, syscall.ENOSPC):
		return "make room there, or choose another place"
	case errors.Is(err, engine.ErrUnsupported):
		return "a newer release of llmz may know it"
	case errors.Is(err, engine.ErrParts), isPart(err) && isDamage(err):
		return `make what is missing or does not fit again, with the same FILE, options and number of parts as the others`
	case isDamage(err):
		return `get another copy; "llmz -d --salvage" restores what is intact`
	case errors.Is(err, predict.ErrRuntimeMissing):
		return `install the llama.cpp libraries with "llmz runtime install"`
	case errors.Is(err, predict.ErrModelMissing), errors.Is(err, predict.ErrMismatch):
		return `"llmz models list" shows the models that are here; "llmz info FILE" the one an archive needs`
	}
	return ""
}

// isDamage reports whether err means that an archive is damaged.
func isDamage(err error) bool {
	return errors.Is(err, engine.ErrTruncated) || errors.Is(err, engine.ErrChecksum) || errors.Is(err, engine.ErrCorrupt)
}

// isCorrupt reports whether err means that an archive is damaged, is no archive,
// or does not hold what it should.
func isCorrupt(err error) bool {
	for _, class := range []error{engine.ErrCorrupt, engine.ErrTruncated, engine.ErrChecksum, engine.ErrNotArchive, engine.ErrUnsupported, engine.ErrDiffers, engine.ErrParts} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}
