package outfile

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// closesFirst: files cannot be moved and removed while they are open.
const closesFirst = true

// noFollow: a link found there is refused by its type.
const noFollow = 0

// Umask returns the bits that new files lack; here they inherit who may read them.
func Umask() fs.FileMode { return 0 }

// syncDir is not needed where the system keeps directories in its journal.
func syncDir(string) {}

// The states of a lock.
type lockState int

const (
	held    lockState = iota // it is ours now
	busy                     // another process has it
	unknown                  // the file system has no locks
)

// lock takes a file for this process, until it is closed.
func lock(f *os.File) lockState {
	// One byte far beyond any content: the content itself stays readable.
	region := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &region)
	switch {
	case err == nil:
		return held
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return busy
	}
	return unknown
}

func links(f *os.File, _ fs.FileInfo) uint64 {
	var info windows.ByHandleFileInformation
	if windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info) != nil {
		return 1
	}
	return uint64(info.NumberOfLinks)
}

// ownedByUser: who may write to a file here was allowed to by its owner.
func ownedByUser(fs.FileInfo) bool { return true }

// keepOwner leaves the owner: a file's rights come from its folder.
func keepOwner(_ *os.File, _ fs.FileInfo, perm fs.FileMode) fs.FileMode { return perm }

// epoch is 1970 in the system's count of 100 nanoseconds since 1601.
const epoch = 116444736000000000

// setTime sets the modification time of f.
func setTime(f *os.File, _ string, t time.Time) error {
	const second = 10_000_000
	if s := t.Unix(); s < -epoch/second || s >= (math.MaxInt64-epoch)/second {
		return windows.ERROR_INVALID_PARAMETER
	}
	ticks := t.Unix()*second + int64(t.Nanosecond()/100) + epoch
	ft := windows.Filetime{LowDateTime: uint32(ticks), HighDateTime: uint32(ticks >> 32)}
	return windows.SetFileTime(windows.Handle(f.Fd()), nil, nil, &ft)
}

// descriptor: there are no such paths here.
func descriptor(string) (n int, own bool) { return -1, false }

func duplicate(int, string) (*os.File, error) { return nil, errors.ErrUnsupported }

// wasClosed: streams that are closed here fail when they are used.
func wasClosed(int) bool { return false }
