// Package outfile writes files that appear under their name whole or not at all:
// what is written goes to a partial file beside it, which Commit moves there. What
// cannot be moved to - devices, named pipes, descriptors of processes such as
// /dev/stdout - is written straight through, and never replaced.
//
// A partial file is locked for as long as its process lives, so that another one can
// tell those that a killed process left behind.
package outfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/llmz/llmz/engine/ctxio"
)

var (
	// ErrDirectory means that a directory has the name.
	ErrDirectory = errors.New("is a directory")
	// ErrInUse means that another process writes the partial file.
	ErrInUse = errors.New("partial output is in use by another process")
	// ErrNotOurs is wrapped by errors about partial files that are not gone on with,
	// because they may lead elsewhere or belong to somebody else.
	ErrNotOurs = errors.New("not gone on with")
	// ErrLostPart means that the partial file is no longer under its name.
	ErrLostPart = errors.New("another program removed or replaced the partial output")
)

// Options are the options of Create and Reopen.
type Options struct {
	// Replace allows Commit to replace a file.
	Replace bool
	// Keepable gives the partial file the name by which Reopen finds it as soon as there
	// is something in it.
	Keepable bool
}

// A File is an output that is being written.
type File struct {
	path     string
	file     *os.File
	w        io.Writer
	part     string // name of the partial file, empty where data goes straight out
	replace  bool
	nameless bool // the first Write gives it the name by which Reopen finds it
	keepable bool // it has that name
	done     bool
}

// Create starts to write the file at path. Opening a named pipe waits for its
// reader, no longer than ctx lasts.
func Create(ctx context.Context, path string, o Options) (*File, error) {
	f, err := openDirect(ctx, path)
	if err != nil {
		return nil, err
	}
	if f != nil {
		return &File{path: path, file: f, w: ctxio.Writer(ctx, f)}, nil
	}
	if err := checkAbsent(path, o.Replace); err != nil {
		return nil, err
	}
	if err := checkFits(path); err != nil {
		return nil, err
	}
	part, keepable, err := createPart(path, o.Keepable)
	if err != nil {
		return nil, err
	}
	return &File{
		path: path, file: part, w: part, part: part.Name(), replace: o.Replace, keepable: keepable, nameless: o.Keepable && !keepable,
	}, nil
}

// Direct reports whether an output at path would be written straight through.
func Direct(path string) bool {
	if n, _ := descriptor(path); n >= 0 {
		return true
	}
	fi, err := os.Stat(path)
	return err == nil && !fi.Mode().IsRegular() && !fi.IsDir()
}

// openDirect opens what is written straight through; nil for all else.
func openDirect(ctx context.Context, path string) (*os.File, error) {
	if n, own := descriptor(path); n >= 0 {
		if own {
			return duplicate(n, path)
		}
		return ctxio.Open(ctx, path, os.O_WRONLY|os.O_APPEND)
	}
	fi, err := os.Stat(path)
	switch {
	case err != nil || fi.Mode().IsRegular():
		return nil, nil
	case fi.IsDir():
		return nil, &fs.PathError{Op: "create", Path: path, Err: ErrDirectory}
	}
	return ctxio.Open(ctx, path, os.O_WRONLY)
}

// checkAbsent makes sure that path is free, unless it may be replaced. A name that
// the file system cannot hold is found here, too.
func checkAbsent(path string, replace bool) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil && replace, errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return err
}

// Write writes to the partial file or straight through.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if n > 0 && f.nameless {
		f.nameless = false
		f.takeName()
	}
	return n, err
}

// ReadAt, Seek and Truncate are the partial file's.
func (f *File) ReadAt(p []byte, at int64) (int, error) { return f.file.ReadAt(p, at) }
func (f *File) Seek(offset int64, whence int) (n int64, err error) {
	return f.file.Seek(offset, whence)
}
func (f *File) Truncate(size int64) error { return f.file.Truncate(size) }

// Whole reports whether the output appears as a whole, and can be read back.
func (f *File) Whole() bool { return f.part != "" }

// Part returns the name of the partial file, empty if there is none.
func (f *File) Part() string { return f.part }

// File returns the file that is written to, to read it back. It may have another name by now.
func (f *File) File() *os.File { return f.file }

// Attributes are what a finished file gets.
type Attributes struct {
	// Perm are its permissions; they count if HasPerm is true, else it gets those that
	// the umask leaves.
	Perm    fs.FileMode
	HasPerm bool
	// Time is its modification time, zero for now.
	Time time.Time
	// Owner is a file whose owner and group it is to have as far as the user may give
	// files away, nil for the user's own. Where the group stays another one, it may do no
	// more with the file than others.
	Owner fs.FileInfo
	// Warn receives what could not be kept, nil for nobody.
	Warn func(error)
}

// LikeAll returns the attributes of what is derived from files, and from all files
// below folders: those may read it who may read all of them.
func LikeAll(paths ...string) (Attributes, error) {
	a := Attributes{Perm: 0o666 &^ Umask(), HasPerm: true}
	narrow := func(fi fs.FileInfo) {
		if fi.Mode().IsRegular() {
			a.Perm &= fi.Mode().Perm()
		}
	}
	for _, path := range paths {
		fi, err := os.Stat(path)
		if err != nil {
			return a, err
		}
		if narrow(fi); fi.Mode().IsRegular() && len(paths) == 1 {
			a.Owner = fi
		}
		if !fi.IsDir() {
			continue
		}
		err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // what cannot be read is no part of it
			}
			if fi, err := d.Info(); err == nil {
				narrow(fi)
			}
			return nil
		})
		if err != nil {
			return a, err
		}
	}
	a.Perm |= 0o600
	return a, nil
}

// Commit lets the output appear.
func (f *File) Commit(a Attributes) error {
	if f.part == "" {
		f.done = true
		return f.file.Close()
	}
	// Attributes are conveniences: file systems that lack them are no reason to lose the
	// data.
	perm := a.Perm & 0o777
	if !a.HasPerm {
		perm = 0o666 &^ Umask()
	}
	if a.Owner != nil {
		perm = keepOwner(f.file, a.Owner, perm)
	}
	_ = f.file.Chmod(perm)
	if err := f.file.Sync(); err != nil {
		return f.named(err)
	}
	if !a.Time.IsZero() {
		f.keepTime(a)
	}
	// The lock, which goes with the file, is held until the name has changed.
	if err := f.move(); err != nil {
		return err
	}
	f.done = true
	syncDir(filepath.Dir(f.path))
	return nil
}

// keepTime sets the modification time. What it becomes depends on the file system.
func (f *File) keepTime(a Attributes) {
	err := setTime(f.file, f.part, a.Time)
	fi, statErr := f.file.Stat()
	if err == nil && statErr == nil && a.Warn != nil {
		if d := fi.ModTime().Unix() - a.Time.Unix(); d > 2 || d < -2 { // some count in twos
			a.Warn(fmt.Errorf("the file system keeps the modification time %s as %s",
				a.Time.UTC().Format(timeFormat), fi.ModTime().UTC().Format(timeFormat)))
		}
	}
}

const timeFormat = "2006-01-02 15:04:05"

// move gives the partial file its final name.
func (f *File) move() error {
	if !f.hasName() {
		return &fs.PathError{Op: "finish", Path: f.path, Err: ErrLostPart}
	}
	if closesFirst {
		if err := f.file.Close(); err != nil {
			return f.named(err)
		}
	}
	if err := f.rename(); err != nil {
		return err
	}
	if !closesFirst {
		return f.file.Close()
	}
	return nil
}

func (f *File) rename() error {
	if f.replace {
		return os.Rename(f.part, f.path)
	}
	return renameNew(f.part, f.path)
}

// linkNew is renameNew where the system has no such call. Without hard links, the
// name is taken only if it seems free.
func linkNew(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		return os.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return &fs.PathError{Op: "create", Path: to, Err: fs.ErrExist}
	}
	if err := checkAbsent(to, false); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// hasName reports whether the partial file is still under its name.
func (f *File) hasName() bool {
	fi, err := f.file.Stat()
	li, lerr := os.Lstat(f.part)
	return err == nil && lerr == nil && os.SameFile(fi, li)
}

func (f *File) named(err error) error { return fmt.Errorf("%s: %w", f.path, err) }

// Abort throws away what was not committed.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if f.part != "" && !closesFirst && f.hasName() {
		os.Remove(f.part)
	}
	f.file.Close()
	if f.part != "" && closesFirst {
		os.Remove(f.part)
	}
}

// Keep ends without a result but keeps a partial file that Reopen finds, unless
// nothing was written to it. It returns its name, empty if nothing was kept.
func (f *File) Keep() string {
	if f.done {
		return ""
	}
	fi, err := f.file.Stat()
	if !f.keepable || err != nil || fi.Size() == 0 {
		f.Abort()
		return ""
	}
	f.done = true
	_ = f.file.Sync()
	f.file.Close()
	return f.part
}

// Write writes the file at path with fill, whole or not at all.
func Write(ctx context.Context, path string, o Options, a Attributes, fill func(io.Writer) error) error {
	f, err := Create(ctx, path, o)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := fill(f); err != nil {
		return err
	}
	return f.Commit(a)
}
