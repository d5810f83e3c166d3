package outfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// PartSuffix ends the names of partial files.
const PartSuffix = ".part"

// hiddenPrefix starts the names of those that nothing can go on with.
const hiddenPrefix = ".llmz-"

// disposable matches the whole names that createPart and Temp give those.
var disposable = regexp.MustCompile(`^\.llmz-([0-9a-f]{16}(-([0-9]|[0-9a-f]{12}))?|[0-9]{1,10}|[0-9a-f]{12})\.part$`)

// keepSuffix ends the short names of those that Reopen finds.
const keepSuffix = ".keep" + PartSuffix

// shortName is a length that names may have everywhere.
const shortName = 64

// hidden returns the start of the names of path's partial files: it is short, so
// that it fits wherever path does, and tells outputs apart.
func hidden(path string) string {
	h := fnv.New64a()
	h.Write([]byte(filepath.Base(path)))
	return filepath.Join(filepath.Dir(path), hiddenPrefix+hex.EncodeToString(h.Sum(nil)))
}

// keepNames are the names that Reopen looks for.
func keepNames(path string) [2]string { return [2]string{path + PartSuffix, hidden(path) + keepSuffix} }

// createPart creates and locks the partial file of path, and tells whether Reopen will
// find it. Where open files can be renamed they get such a name later: one with nothing
// in it, which nobody could go on with, would stay there after a kill.
func createPart(path string, keepable bool) (*os.File, bool, error) {
	if keepable && closesFirst {
		for _, name := range keepNames(path) {
			f, err := createNew(name)
			if err == nil {
				return f, true, nil
			}
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				return nil, false, err
			}
			if !errors.Is(err, syscall.ENAMETOOLONG) {
				break // somebody has it: the work is done all the same
			}
		}
	}
	// The same names each time: what a killed process left there is removed.
	name := hidden(path)
	var err error
	for i := range 100 {
		var f *os.File
		switch {
		case i > 8:
			name = hidden(path) + "-" + randomName()
		case i > 0:
			name = hidden(path) + "-" + strconv.Itoa(i)
		}
		removeDead(name + PartSuffix)
		f, err = createNew(name + PartSuffix)
		if err == nil || !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrInUse) {
			return f, false, err
		}
	}
	return nil, false, err
}

// takeName gives the partial file the name by which Reopen finds it. Where somebody has
// that, the work is done all the same.
func (f *File) takeName() {
	for _, name := range keepNames(f.path) {
		err := renameNew(f.part, name)
		if err == nil {
			f.part, f.keepable = name, true
			return
		}
		if !errors.Is(err, syscall.ENAMETOOLONG) {
			return
		}
	}
}

func randomName() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// createNew creates and locks a file that nobody else has.
func createNew(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if lock(f) != busy {
		// Before it was locked it could be taken for dead, and be removed.
		if fi, err := f.Stat(); err == nil {
			if li, err := os.Lstat(name); err == nil && os.SameFile(fi, li) {
				return f, nil
			}
		}
	}
	f.Close()
	return nil, ErrInUse
}

// Reopen opens what Keep, or a process that was killed, left of path's output. It
// fails with fs.ErrNotExist where there is nothing.
func Reopen(path string, o Options) (*File, error) {
	if err := checkAbsent(path, o.Replace); err != nil {
		return nil, err
	}
	for _, name := range keepNames(path) {
		f, err := openOwn(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG):
			continue
		case err != nil:
			return nil, err
		}
		if lock(f) == busy {
			f.Close()
			return nil, &fs.PathError{Op: "open", Path: name, Err: ErrInUse}
		}
		_ = f.Chmod(0o600)
		return &File{path: path, file: f, w: f, part: name, replace: o.Replace, keepable: true}, nil
	}
	return nil, fs.ErrNotExist
}

// Adopt turns the incomplete output at path into the partial file that Reopen finds.
func Adopt(path string) error {
	f, err := openOwn(path)
	if err != nil {
		return err
	}
	f.Close()
	for _, name := range keepNames(path) {
		err = renameNew(path, name)
		if !errors.Is(err, syscall.ENAMETOOLONG) {
			break
		}
	}
	return err
}

// Left returns the name of a partial file that Reopen would look at, empty if there
// is none.
func Left(path string) string {
	for _, name := range keepNames(path) {
		if _, err := os.Lstat(name); err == nil {
			return name
		}
	}
	return ""
}

// openOwn opens a file to write to only where that can reach no other file and
// nobody else's: a regular file of the user's, under this name alone.
func openOwn(name string) (*os.File, error) {
	li, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	refuse := func(why string) (*os.File, error) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("it %s: %w", why, ErrNotOurs)}
	}
	switch {
	case li.Mode()&fs.ModeSymlink != 0:
		return refuse("is a symbolic link")
	case !li.Mode().IsRegular():
		return refuse("is no regular file")
	}
	f, err := os.OpenFile(name, os.O_RDWR|noFollow, 0)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	switch {
	case err != nil:
	case !os.SameFile(li, fi):
		err = ErrLostPart
	case links(f, fi) > 1:
		_, err = refuse("has another name, too (hard link)")
	case !ownedByUser(fi):
		_, err = refuse("belongs to another user")
	default:
		return f, nil
	}
	f.Close()
	return nil, err
}

// OpenPart opens the partial file of that name for those who give it its final name
// themselves, after what it holds, or makes one. Like Reopen it goes on with nobody
// else's, and with none that another process writes.
func OpenPart(name string) (*os.File, error) {
	f, err := openOwn(name)
	if errors.Is(err, fs.ErrNotExist) {
		return createNew(name)
	}
	if err != nil {
		return nil, err
	}
	if lock(f) == busy {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrInUse}
	}
	_, err = f.Seek(0, io.SeekEnd)
	return f, err
}

// removeDead removes the partial file of that name if no process is at work on it,
// and tells whether it did.
func removeDead(name string) bool {
	f, err := openOwn(name)
	if err != nil {
		return false
	}
	defer f.Close()
	if lock(f) != held {
		return false
	}
	if closesFirst {
		f.Close() // its owner would have it open, so that it could not be removed
		return os.Remove(name) == nil
	}
	fi, err := f.Stat()
	li, lerr := os.Lstat(name)
	return err == nil && lerr == nil && os.SameFile(fi, li) && os.Remove(name) == nil
}

// checkFits makes sure, before all the work, that the file system can hold path's
// name. Only trying tells.
func checkFits(path string) error {
	dir, base := filepath.Split(path)
	if len(base) <= shortName {
		return nil
	}
	// Another name of the same length in every count, with a bit of luck unused; what
	// exists, fits.
	other := "."
	if strings.HasPrefix(base, other) {
		other = "_"
	}
	i := strings.IndexFunc(base, func(r rune) bool { return r < 0x80 })
	if i < 0 {
		return nil
	}
	probe := filepath.Join(dir, base[:i]+other+base[i+1:])
	f, err := os.OpenFile(probe, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, syscall.ENAMETOOLONG) {
		return &fs.PathError{Op: "create", Path: path, Err: syscall.ENAMETOOLONG}
	}
	if err == nil {
		f.Close()
		os.Remove(probe)
	}
	return nil
}
