package outfile

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// renameNew renames a file to a name that must be free.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return linkNew(from, to) // the file system cannot, or a sandbox forbids it
	}
	return &fs.PathError{Op: "create", Path: to, Err: err}
}
