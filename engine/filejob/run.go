package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

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
	if outPath != "" && outPath != Stdio {
		if err := checkIdentity(outPath, in, r.Siblings); err != nil {
			return Result{}, err
		}
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
			return name, err
		}
	}
	switch {
	case r.Output != "":
		return r.Output, nil
	case r.Input == Stdio:
		return Stdio, nil
	}
	return outputName(r.Op, r.Input, r.Force)
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
	return Result{Result: res, Op: r.Op, Input: r.Input, Output: outPath}
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

// createOutput prepares the output at path.
func (r *runner) createOutput(ctx context.Context, path string, named bool) (*output, error) {
	if path == Stdio {
		return openDirect(ctx, r.Stdout), nil
	}
	out, err := createOutput(ctx, path, r.Force, named)
	var pe *os.PathError
	if errors.As(err, &pe) {
		e := &Error{Path: path, Err: fmt.Errorf("cannot be written: %w", pe.Err)}
		if errors.Is(err, syscall.ENAMETOOLONG) {
			e.Help = "name the output with -o"
		}
		return nil, e
	}
	return out, err
}

// remove removes the input of a finished and verified job. It fails if the input is not the
// file any more that was read, or cannot be removed: the output stays then, too.
func (r *runner) remove(in *input, res *Result) error {
	if !r.Remove || res.Output == Stdio || in.file == nil || r.Range != nil {
		return nil
	}
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
