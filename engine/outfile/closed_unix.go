//go:build unix

package outfile

import "golang.org/x/sys/unix"

// wasClosed reports whether the runtime opened the descriptor, as it was closed.
func wasClosed(fd int) bool {
	var have, null unix.Stat_t
	if unix.Fstat(fd, &have) != nil || unix.Stat("/dev/null", &null) != nil ||
		have.Mode&unix.S_IFMT != unix.S_IFCHR || have.Rdev != null.Rdev {
		return false
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR && !shared(fd)
}
