package outfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Leftovers is what Clean found.
type Leftovers struct {
	// Removed are partial files that nobody could go on with.
	Removed []string
	// Kept are those that a later run can go on with.
	Kept []string
	// InUse are those that a process is at work on.
	InUse []string
}

// Clean removes what killed processes left in a folder, and not below it: files of the
// user's that are locked by nobody and have the very names that Create gives. all is to
// remove what could be gone on with, too, where isOurs agrees, which is shown the open file.
func Clean(ctx context.Context, dir string, all bool, isOurs func(*os.File) bool) (l Leftovers, err error) {
	if fi, err := os.Stat(dir); err == nil && !fi.IsDir() { // opening a named pipe would wait
		return l, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	d, err := os.Open(dir)
	if err != nil {
		return l, err
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(256)
		for _, e := range entries {
			if ctx.Err() != nil {
				return l, ctx.Err()
			}
			l.look(filepath.Join(dir, e.Name()), e, all, isOurs)
		}
		if len(entries) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				return l, err
			}
			return l, nil
		}
	}
}

// look does what is to be done with one name.
func (l *Leftovers) look(path string, e fs.DirEntry, all bool, isOurs func(*os.File) bool) {
	name := e.Name()
	if !e.Type().IsRegular() || !strings.HasSuffix(name, PartSuffix) {
		return
	}
	f, err := openOwn(path)
	if err != nil {
		return // not the user's
	}
	defer f.Close()
	dead := disposable.MatchString(name)
	if !dead && !isOurs(f) {
		return
	}
	state := lock(f)
	f.Close()
	switch {
	case state != held:
		l.InUse = append(l.InUse, path)
	case !dead && !all:
		l.Kept = append(l.Kept, path)
	case removeDead(path):
		l.Removed = append(l.Removed, path)
	}
}
