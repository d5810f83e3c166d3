package filejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/llmz/llmz/engine"
	"github.com/llmz/llmz/engine/ctxio"
	"github.com/llmz/llmz/engine/outfile"
)

// An input is where a job's data comes from.
type input struct {
	path string
	r    io.Reader
	file *os.File    // nil for stdin
	info fs.FileInfo // nil for stdin
	part *Range      // what is compressed of it, nil for all
}

// openInput opens path, or takes stdin. Where strict is true, links, devices and
// directories are refused with ErrSkipped.
func openInput(ctx context.Context, path string, stdin io.Reader, strict bool) (*input, error) {
	if path == Stdio {
		return &input{path: path, r: ctxio.Reader(ctx, stdin)}, nil
	}
	li, err := os.Lstat(path)
	if err != nil {
		return nil, PathError(path, err)
	}
	if strict && !li.Mode().IsRegular() && !li.IsDir() {
		return nil, &Error{Path: path, Err: fmt.Errorf("%w (%s): skipped", ErrSkipped, kindOf(li.Mode())), Help: "read it all the same with -f"}
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil, PathError(path, err)
	}
	if fi.IsDir() {
		return nil, &Error{Path: path, Err: fmt.Errorf("%w (directory): skipped", ErrSkipped), Help: fmt.Sprintf("-r takes the files in %s; a tar archive of it becomes smaller", DisplayName(path))}
	}
	if err := outfile.CheckPath(path); err != nil {
		return nil, &Error{Path: path, Err: err}
	}
	f, err := ctxio.Open(ctx, path, os.O_RDONLY)
	if err != nil {
		return nil, PathError(path, err)
	}
	in := &input{path: path, r: f, file: f, info: fi}
	if !fi.Mode().IsRegular() {
		in.r = ctxio.Reader(ctx, f)
	}
	return in, nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// PathError turns the error of a system call into an *Error that names the file
// as the user did.
func PathError(path string, err error) error {
	e := &Error{Path: path, Err: withoutPath(err)}
	if errors.Is(err, fs.ErrNotExist) {
		e.Err = fs.ErrNotExist
	}
	return e
}

// withoutPath returns the error of a system call without the path it is about.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// size returns the input's length, -1 where it is not known.
func (in *input) size() int64 {
	if in.info == nil || !in.info.Mode().IsRegular() {
		return -1
	}
	return in.info.Size()
}

// checkStdout refuses a standard output that is redirected to the input: appended to
// what is read, there would be no end of it.
func checkStdout(stdout io.Writer, in *input) error {
	f, ok := stdout.(interface{ Stat() (fs.FileInfo, error) })
	if !ok || in.info == nil {
		return nil
	}
	if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() && os.SameFile(fi, in.info) {
		return &Error{Path: in.path, Err: ErrSameFile, Help: "redirect standard output to another file"}
	}
	return nil
}

// attributes returns what an output derived from the input gets from it.
func (in *input) attributes() outfile.Attributes {
	if in.info == nil || !in.info.Mode().IsRegular() {
		return outfile.Attributes{}
	}
	return outfile.Attributes{Time: in.info.ModTime(), Perm: in.info.Mode().Perm(), HasPerm: true, Owner: in.info}
}

// unchanged reports whether the file under the input's name is still the one
// that was opened, as it was then.
func (in *input) unchanged() bool {
	if in.info == nil {
		return true
	}
	fi, err := os.Stat(in.path)
	return err == nil && os.SameFile(fi, in.info) && fi.Size() == in.info.Size() && fi.ModTime().Equal(in.info.ModTime())
}

func (in *input) close() {
	if in.file != nil {
		in.file.Close()
	}
}

// hasSuffix reports whether path is named like an archive.
func hasSuffix(path string) bool {
	return len(path) > len(Suffix) && strings.EqualFold(path[len(path)-len(Suffix):], Suffix)
}

// outputName returns the output that belongs to an input by its name.
func outputName(op Op, in string, force bool) (string, error) {
	switch {
	case op == Compress && hasSuffix(in) && !force:
		return "", &Error{Path: in, Err: ErrSuffix, Help: "compress it once more with -f"}
	case op == Compress:
		return in + Suffix, nil
	}
	name := in
	if hasSuffix(name) {
		name = name[:len(name)-len(Suffix)]
	}
	if name == in || strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(os.PathSeparator)) {
		return "", &Error{Path: in, Err: ErrNoSuffix, Help: "name the output with -o, or write it to stdout with -c"}
	}
	return name, nil
}

// checkIdentity refuses an output that is the same file as the input or as any
// other input of the run, whatever it is called.
func checkIdentity(out string, in *input, siblings *Inputs) error {
	fi, err := os.Stat(out)
	if err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	if in.info != nil && os.SameFile(fi, in.info) {
		return &Error{Path: in.path, Err: ErrSameFile, Help: "name another output with -o"}
	}
	if siblings.hold(out, fi, in.path) {
		return &Error{Path: out, Err: ErrIsInput, Help: "run the files one at a time, or name another output with -o"}
	}
	return nil
}

// archiveMeta returns what an archive records about the input.
func (in *input) archiveMeta() engine.Meta {
	if in.info == nil {
		return engine.Meta{}
	}
	a := in.attributes()
	return engine.Meta{Name: filepath.Base(in.path), Time: a.Time, Mode: uint32(a.Perm)}
}

// MetaOf returns what the archive of a file records about it.
func MetaOf(f *os.File) engine.Meta {
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		return engine.Meta{}
	}
	return engine.Meta{Name: filepath.Base(f.Name()), Time: fi.ModTime(), Mode: uint32(fi.Mode().Perm())}
}

// restored returns the attributes of restored content: what the archive records, or
// else the archive file's own. Where the archive file is kept from group or others, so
// is its content, and they may write to it only if they may to the archive file, or
// the umask does not forbid it: archives come from anywhere.
func restored(m engine.Meta, in *input, umask fs.FileMode) outfile.Attributes {
	f := in.attributes()
	r := outfile.Attributes{Time: m.Time, Perm: fs.FileMode(m.Mode & 0o777), HasPerm: true, Owner: f.Owner}
	if r.Time.IsZero() {
		r.Time = f.Time
	}
	if r.Perm == 0 {
		r.Perm, r.HasPerm = f.Perm, f.HasPerm
		return r
	}
	r.Perm &^= 0o022 & umask &^ f.Perm
	if f.HasPerm {
		if f.Perm&0o040 == 0 {
			r.Perm &^= 0o070
		}
		if f.Perm&0o004 == 0 {
			r.Perm &^= 0o007
		}
	}
	return r
}
