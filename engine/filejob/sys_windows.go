package filejob

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// umask returns 0: Windows has no file mode creation mask.
func umask() fs.FileMode { return 0 }

// syncDir does nothing: Windows keeps directories in order by itself.
func syncDir(string) {}

// lock takes the exclusive lock on f that every job holds on the partial file it
// writes, so that no other job goes on with it at the same time. It fails with
// ErrInUse if another process has it; file systems without locks are let be.
func lock(f *os.File) error {
	// One byte far beyond any content: the content itself stays readable.
	region := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &region)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrInUse
	}
	return nil
}
