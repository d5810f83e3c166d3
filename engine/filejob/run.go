package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/llmz/llmz/engine"
)

// A runner is a job at work.
type runner struct {
	Job
}

func (r *runner) run(ctx context.Context) (Result, error) {
	outPath := ""
	if r.Op != Test {
		var err error
		if outPath, err = r.outputPath(); err != nil {
			return Result{}, err
		}
	}
	// Tests follow links: they change nothing.
	in, err := openInput(ctx, r.Input, r.Stdin, !r.Force && r.Op != Test)
	if err != nil {
		return Result{}, err
	}
	defer in.close()
	switch outPath {
	case "":
	case Stdio:
		err = checkStdout(r.Stdout, in)
	default:
		err = checkIdentity(outPath, in, r.Siblings)
	}
	if err != nil {
		return Result{}, err
	}
	if err == nil && r.Part != nil {
		err = r.takePart(ctx, in)
	}
	if err != nil {
		return Result{}, r.nameFile(err)
	}
	var res Result
	switch r.Op {
	case Compress:
		res, err = r.compress(ctx, in, outPath)
	case Decompress:
		res, err = r.decompress(ctx, in, outPath)
	case Test:
		res, err = r.test(ctx, in)
	default:
		return Result{}, fmt.Errorf("unknown operation %q", r.Op)
	}
	if err != nil {
		err = r.nameFile(err)
	}
	return res, err
}

// outputPath returns where the data goes.
func (r *runner) outputPath() (string, error) {
	if r.Op == Compress && r.Input != Stdio {
		// The suffix is checked wherever the output goes.
		name, err := outputName(Compress, r.Input, r.Force)
		if err != nil || r.Output == "" {
			return r.inDir(r.Part.name(name)), err
		}
	}
	switch {
	case r.Output != "":
		return r.Output, nil
	case r.Input == Stdio:
		return Stdio, nil
	}
	name, err := outputName(r.Op, r.Input, r.Force)
	return r.inDir(r.Part.name(name)), err
}

// inDir returns the path of a derived output.
func (r *runner) inDir(name string) string {
	if r.Dir == "" || name == "" {
		return name
	}
	return filepath.Join(r.Dir, filepath.Base(name))
}

// nameFile makes err name the input, unless it names a file already or is a
// cancellation.
func (r *runner) nameFile(err error) error {
	var named *Error
	var path *os.PathError
	var link *os.LinkError
	if errors.As(err, &named) || errors.As(err, &path) || errors.As(err, &link) || errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{Path: r.Input, Err: err, Help: helpFor(err)}
}

// helpFor returns the hint that err brings along.
func helpFor(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func (r *runner) result(res engine.Result, outPath string) Result {
	return Result{Result: res, Part: r.Part, Op: r.Op, Input: r.Input, Output: outPath}
}

// test decodes in to nowhere.
func (r *runner) test(ctx context.Context, in *input) (Result, error) {
	res, err := engine.Decompress(ctx, io.Discard, in.r, r.Read)
	if err != nil {
		return Result{}, err
	}
	res.Verified = true
	return r.result(res, ""), nil
}

// removes reports whether the input goes once the output is there: only a file that
// can be read back stands in for it, and only a file is removed.
func (r *runner) removes(in *input, out *output) bool {
	if !r.Remove || r.Range != nil || out.file == nil || in.info == nil {
		return false
	}
	switch {
	case !out.isFile():
		r.warn(out.path, errors.New("cannot be read back: the source is kept"), "")
		return false
	case !in.info.Mode().IsRegular():
		r.warn(in.path, errors.New("is no regular file: it is kept"), "")
		return false
	}
	return true
}

// remove removes the input of a finished and verified job. It fails if the input is not the
// file any more that was read, or cannot be removed: the output stays then, too.
func (r *runner) remove(in *input, res *Result) error {
	in.close()
	if !in.unchanged() {
		return &Error{Path: in.path, Err: ErrChanged, Help: "it is kept"}
	}
	if err := os.Remove(in.path); err != nil {
		return &Error{Path: in.path, Err: fmt.Errorf("cannot be removed: %w", withoutPath(err)), Help: "it is kept, beside " + DisplayName(res.Output)}
	}
	res.Removed = true
	return nil
}
