package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/term"

	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
)

// An output is where a job's data goes.
type output struct {
	path string // final name, Stdio for stdout
	w    io.Writer
	file *outfile.File // nil for stdout
}

// createOutput opens an output. named gives its partial file the name that --resume
// looks for.
func (r *runner) createOutput(ctx context.Context, path string, named bool) (*output, error) {
	if path == Stdio {
		return &output{path: Stdio, w: ctxio.Writer(ctx, r.Stdout)}, nil
	}
	f, err := outfile.Create(ctx, path, outfile.Options{Replace: r.Force, Keepable: named})
	if err != nil {
		return nil, r.outputError(path, err)
	}
	out := &output{path: path, w: f, file: f}
	if out.isFile() {
		return out, nil
	}
	if r.Op == Compress && !r.Force && term.IsTerminal(int(f.File().Fd())) {
		f.Abort()
		return nil, &Error{Path: path, Err: errors.New("compressed data is not written to a terminal"), Help: "name a file with -o, or force it with -f"}
	}
	return out, nil
}

// outputError turns what package outfile says into the errors of this one.
func (r *runner) outputError(path string, err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrExist):
		return &Error{Path: path, Err: ErrExists, Help: "overwrite it with -f, or name another output with -o"}
	case errors.Is(err, outfile.ErrDirectory):
		return &Error{Path: path, Err: outfile.ErrDirectory, Help: "name a file with -o"}
	case errors.Is(err, outfile.ErrInUse):
		return &Error{Path: path + PartSuffix, Err: outfile.ErrInUse}
	case errors.Is(err, outfile.ErrNotOurs) && errors.As(err, &pe):
		return &Error{Path: pe.Path, Err: pe.Err, Help: "remove it, or compress without --resume"}
	case errors.As(err, &pe):
		e := &Error{Path: path, Err: fmt.Errorf("cannot be written: %w", pe.Err)}
		if errors.Is(err, syscall.ENAMETOOLONG) {
			e.Help = "name the output with -o"
		}
		return e
	}
	return err
}

func (o *output) Write(p []byte) (int, error) { return o.w.Write(p) }

// isFile reports whether the output is a file that appears as a whole. Only then can
// it be read back, and stand in for its source.
func (o *output) isFile() bool { return o.file != nil && o.file.Whole() }

// opened returns the file under an output that isFile.
func (o *output) opened() *os.File { return o.file.File() }

// commit finishes the output.
func (r *runner) commit(o *output, a outfile.Attributes) error {
	if o.file == nil {
		return nil
	}
	a.Warn = func(err error) { r.warn(o.path, err, "") }
	err := o.file.Commit(a)
	if errors.Is(err, fs.ErrExist) {
		return r.outputError(o.path, err)
	}
	return err
}

// abort throws away what was not committed.
func (o *output) abort() {
	if o.file != nil {
		o.file.Abort()
	}
}

// keep ends the job without a result but keeps a partial output that a later job
// can go on from.
func (o *output) keep() {
	if o.file != nil {
		o.file.Keep()
	}
}
