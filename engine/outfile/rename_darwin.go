package outfile

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// renameNew renames a file to a name that must be free.
func renameNew(from, to string) error {
	err := unix.RenamexNp(from, to, unix.RENAME_EXCL)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP):
		return linkNew(from, to) // the file system cannot
	}
	return &fs.PathError{Op: "create", Path: to, Err: err}
}
