//go:build unix

package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// closesFirst: files can be moved and removed while they are open.
const closesFirst = false

// noFollow keeps an opening from following a link, and from waiting at a pipe.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

// Umask returns the bits that new files lack.
var Umask = sync.OnceValue(func() fs.FileMode {
	m := syscall.Umask(0o077)
	syscall.Umask(m)
	return fs.FileMode(m)
})

// syncDir makes a rename in dir last, where the system can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// The states of a lock.
type lockState int

const (
	held    lockState = iota // it is ours now
	busy                     // another process has it
	unknown                  // the file system has no locks
)

// lock takes a file for this process, until it is closed.
func lock(f *os.File) lockState {
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return held
	case errors.Is(err, unix.EWOULDBLOCK):
		return busy
	}
	return unknown
}

func links(_ *os.File, fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

func ownedByUser(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) == os.Geteuid()
}

// keepOwner gives f the owner and group of another file, as far as the user may,
// and returns the permissions that can then be given.
func keepOwner(f *os.File, owner fs.FileInfo, perm fs.FileMode) fs.FileMode {
	fi, err := f.Stat()
	want, ok := owner.Sys().(*syscall.Stat_t)
	if err != nil || !ok {
		return perm
	}
	have := fi.Sys().(*syscall.Stat_t)
	if have.Uid != want.Uid {
		_ = f.Chown(int(want.Uid), -1) // only root may
	}
	if have.Gid != want.Gid && f.Chown(-1, int(want.Gid)) != nil {
		// Its group is other people here, and who was in the other group counts among the rest.
		both := perm >> 3 & perm & 0o007
		perm = perm&0o700 | both<<3 | both
	}
	return perm
}

// setTime sets the modification time of f, which is called name. It may lie outside of
// what fits into a number of nanoseconds.
func setTime(_ *os.File, name string, t time.Time) error {
	now, err := unix.TimeToTimespec(time.Now())
	if err != nil {
		return err
	}
	ts, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{now, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

var procDescriptors = regexp.MustCompile(`^/proc/(\d+)(/task/\d+)?/fd$`)

// descriptor returns the number of the open file that path leads to as /dev/stdout
// and /dev/fd/3 do, and whether it is this process's; -1 for all other paths.
func descriptor(path string) (n int, own bool) {
	for range 40 { // as many links as the system would follow
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return -1, false
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return -1, false
		}
		base := filepath.Base(path)
		m := procDescriptors.FindStringSubmatch(dir)
		if m != nil || dir == "/dev/fd" && runtime.GOOS != "linux" {
			n, err := strconv.Atoi(base)
			if err != nil {
				return -1, false
			}
			return n, m == nil || m[1] == strconv.Itoa(os.Getpid())
		}
		target, err := os.Readlink(filepath.Join(dir, base))
		if err != nil {
			return -1, false
		}
		if path = target; !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
	}
	return -1, false
}

// duplicate returns another descriptor of the open file n: it shares its position,
// so that what follows it in the same file stays behind it.
func duplicate(n int, path string) (*os.File, error) {
	if err := checkDescriptor(n); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	fd, err := unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("descriptor %d: %w", n, err)}
	}
	return os.NewFile(uintptr(fd), path), nil
}
