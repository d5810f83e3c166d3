//go:build unix

package term

import "golang.org/x/sys/unix"

// foreground is whether this process may read from the terminal without being
// stopped for it, as one started with "&" would be.
func foreground(fd uintptr) bool {
	pgrp, err := unix.IoctlGetInt(int(fd), unix.TIOCGPGRP)
	return err == nil && pgrp == unix.Getpgrp()
}
