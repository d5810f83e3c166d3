package filejob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/llmz/llmz/engine/ctxio"
)

// An output is where a job's data goes. Until commit nobody sees it under its
// name.
type output struct {
	path  string // final name, Stdio for stdout
	w     io.Writer
	file  *os.File // nil for stdout
	part  string   // name of the partial file, empty where data goes straight out
	force bool
	done  bool
}

// openDirect returns an output whose data goes straight to w.
func openDirect(ctx context.Context, w io.Writer) *output {
	return &output{path: Stdio, w: ctxio.Writer(ctx, w)}
}

// createOutput prepares path to be written. Its directory gets a partial file,
// private to the user until commit; where named is true it is called
// path.part, so that an interrupted job can be found again. Devices and pipes are
// written straight.
func createOutput(ctx context.Context, path string, force, named bool) (*output, error) {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		if fi.IsDir() {
			return nil, &Error{Path: path, Err: errors.New("is a directory"), Help: "name a file with -o"}
		}
		f, err := ctxio.Open(ctx, path, os.O_WRONLY)
		if err != nil {
			return nil, err
		}
		return &output{path: path, w: ctxio.Writer(ctx, f), file: f}, nil
	}
	if err := checkAbsent(path, force); err != nil {
		return nil, err
	}
	f, err := createPart(path, named)
	if err != nil {
		return nil, err
	}
	_ = lock(f) // it is new: nobody else has it
	return &output{path: path, w: f, file: f, part: f.Name(), force: force}, nil
}

// reopenPart makes the existing partial file of path an output. It is at its
// start, and nothing of it has been changed.
func reopenPart(path string, force bool) (*output, error) {
	if err := checkAbsent(path, force); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path+PartSuffix, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, &Error{Path: f.Name(), Err: err}
	}
	return &output{path: path, w: f, file: f, part: f.Name(), force: force}, nil
}

// checkAbsent returns an error if path exists and may not be replaced.
func checkAbsent(path string, force bool) error {
	if force {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return &Error{Path: path, Err: ErrExists, Help: "overwrite it with -f, or name another output with -o"}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// createPart creates a new file beside path that only its owner can read.
func createPart(path string, named bool) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	if named {
		f, err := os.OpenFile(path+PartSuffix, flags, 0o600)
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return f, err
		}
	}
	// The name is short, so that it fits wherever path does.
	var err error
	for range 100 {
		var f *os.File
		name := filepath.Join(filepath.Dir(path), ".llmz-"+randomName()+PartSuffix)
		f, err = os.OpenFile(name, flags, 0o600)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, err
}

func randomName() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (o *output) Write(p []byte) (int, error) { return o.w.Write(p) }

// isFile reports whether the output is a file that can be read back.
func (o *output) isFile() bool { return o.part != "" }

// commit makes the output appear under its name, on disk, with the given
// metadata. After an error the caller still has to abort.
func (o *output) commit(m fileMeta) error {
	if !o.isFile() {
		o.done = true
		if o.file != nil {
			return o.file.Close()
		}
		return nil
	}
	mode := fs.FileMode(m.mode & 0o777)
	if !m.hasMode {
		mode = 0o666 &^ umask()
	}
	// Mode and time are conveniences: file systems that lack them are no reason to
	// lose the data.
	_ = o.file.Chmod(mode)
	if err := o.file.Sync(); err != nil {
		return fmt.Errorf("%s: %w", o.path, err)
	}
	if err := o.file.Close(); err != nil {
		return fmt.Errorf("%s: %w", o.path, err)
	}
	if !m.time.IsZero() {
		_ = os.Chtimes(o.part, time.Time{}, m.time)
	}
	if err := o.rename(); err != nil {
		return err
	}
	o.done = true
	syncDir(filepath.Dir(o.path))
	return nil
}

// rename gives the partial file its final name. Without force it never replaces
// a file, not even one that appeared a moment ago, wherever the file system has
// hard links.
func (o *output) rename() error {
	if !o.force {
		err := os.Link(o.part, o.path)
		if err == nil {
			return os.Remove(o.part)
		}
		if errors.Is(err, fs.ErrExist) {
			return checkAbsent(o.path, false)
		}
		if err := checkAbsent(o.path, false); err != nil {
			return err
		}
	}
	return os.Rename(o.part, o.path)
}

// abort removes what was written, unless the output is already in place.
func (o *output) abort() {
	if o.done {
		return
	}
	o.done = true
	if o.file != nil {
		o.file.Close()
	}
	if o.part != "" {
		os.Remove(o.part)
	}
}

// keep leaves the partial file for a later Resume, if there is anything in it
// and its name can be found again.
func (o *output) keep() {
	if o.done {
		return
	}
	fi, err := o.file.Stat()
	if o.part != o.path+PartSuffix || err != nil || fi.Size() == 0 {
		o.abort()
		return
	}
	o.done = true
	_ = o.file.Sync()
	o.file.Close()
}
