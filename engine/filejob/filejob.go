// Package filejob runs the engine on files with the manners of a careful
// archiver: outputs appear whole or not at all, nothing is overwritten or
// removed by accident, and modification time and mode are kept. Commands and
// the terminal interface share it.
//
// Concurrency: jobs are independent; a Job's readers, writers and observers are
// used by one Run at a time.
package filejob

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/outfile"
)

// Suffix ends the names of archives.
const Suffix = ".llmz"

// PartSuffix ends the name of an output that is being written.
const PartSuffix = outfile.PartSuffix

// Stdio is the path that stands for standard input or output.
const Stdio = "-"

// Op is what a job does.
type Op string

// The operations, named as in results.
const (
	Compress   Op = "compress"
	Decompress Op = "decompress"
	Test       Op = "test"
)

// Reasons for which a job is refused before anything is written. They come
// wrapped in an *Error.
var (
	ErrSkipped  = errors.New("not a regular file")
	ErrExists   = errors.New("output already exists")
	ErrSameFile = errors.New("input and output are the same file")
	ErrIsInput  = errors.New("output is one of the inputs")
	ErrSuffix   = errors.New("already has the suffix " + Suffix)
	ErrNoSuffix = errors.New("name does not end in " + Suffix)
	ErrChanged  = errors.New("file changed while it was read")
)

// An Error says which file a job failed on, why, and what to do.
type Error struct {
	Path string
	Err  error
	Help string // what to do, empty where nothing helps
}

func (e *Error) Error() string { return DisplayName(e.Path) + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Hint returns what a person can do about the error.
func (e *Error) Hint() string { return e.Help }

// DisplayName returns path as messages show it: in quotes where it is empty or would upset
// a terminal, and "stdin" for standard input.
func DisplayName(path string) string {
	if path == Stdio {
		return "stdin"
	}
	if path == "" || !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

// A Job is one file to compress, decompress or test.
type Job struct {
	Op Op
	// Input is a path, or Stdio for Stdin.
	Input string
	// Output is a path, Stdio for Stdout, or empty to derive it from Input (stdin
	// goes to stdout). Test ignores it.
	Output string
	// Dir is the folder that a derived Output is in; empty for Input's.
	Dir string
	// Stdin and Stdout take part where a path is Stdio.
	Stdin  io.Reader
	Stdout io.Writer
	// Range, if set, restricts Decompress to a part of the content. Input must be a
	// regular file, and stays.
	Range *Range
	// Part, if set, restricts Compress and Decompress to some of the blocks. Input must be a
	// regular file, and stays.
	Part *Part
	// Siblings are all inputs of the same run. None of them is ever overwritten.
	Siblings *Inputs
	// Force overwrites outputs and accepts links, devices and unexpected suffixes.
	Force bool
	// Remove removes the input after its output has been verified.
	Remove bool
	// Verify decodes what was compressed and compares. Remove implies it.
	Verify bool
	// Resume goes on from the partial output of an interrupted compression: the one
	// beside the output, or an output that is an incomplete archive. When interrupted
	// again, it is kept.
	Resume bool
	// Write are the options to compress with; Meta and Size are filled in.
	Write engine.Options
	// Read are the options to decompress, test or verify with.
	Read engine.ReadOptions
	// Warn receives what a person should know about files, nil for nobody.
	Warn func(error)
}

// A Range is the bytes from From, inclusive, to To, exclusive, of some content; To = -1
// is its end.
type Range struct{ From, To int64 }

// A Part is one of so many parts, counted from 1.
type Part struct{ Number, Of int }

// A Result is what a finished job did.
type Result struct {
	engine.Result
	Part   *Part
	Op     Op
	Input  string
	Output string // the path written, Stdio for stdout, empty for Test
	// Removed is true when the input was removed.
	Removed bool
}

// Run runs one job. After an error, outputs are as they were before, save for
// what was written to stdout, for a salvaged output that lacks its damaged
// blocks, for the partial output of a Resume job, and for an output whose input could
// not be removed: where an output is left, the Result names it. Cancelling ctx stops the
// job within a second.
func Run(ctx context.Context, job Job) (Result, error) {
	r := runner{Job: job}
	if r.Warn == nil {
		r.Warn = func(error) {}
	}
	return r.run(ctx)
}

func (r *runner) warn(path string, err error, help string) {
	r.Warn(&Error{Path: path, Err: err, Help: help})
}
