package outfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// shared reports whether somebody opened the descriptor for more than this stream of
// this process: daemons often have one null device for all three.
func shared(fd int) bool {
	for other := range 3 {
		if other != fd && sameOpenFile(os.Getpid(), other, fd) {
			return true
		}
	}
	return sameOpenFile(os.Getppid(), fd, fd)
}

// sameOpenFile reports whether a descriptor of another process is the same open file as
// one of this process. Where that may not be asked, it is not.
func sameOpenFile(pid, theirs, ours int) bool {
	const kcmpFile = 0
	r, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(pid), uintptr(os.Getpid()), kcmpFile, uintptr(theirs), uintptr(ours), 0)
	return errno == 0 && r == 0
}
