//go:build unix && !aix && !solaris

package filejob

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// umask returns the process's file mode creation mask. It can only be read by
// setting it, so that is done once.
var umask = sync.OnceValue(func() fs.FileMode {
	m := syscall.Umask(0o077)
	syscall.Umask(m)
	return fs.FileMode(m)
})

// syncDir makes a rename in dir durable. File systems that cannot do so are left
// to themselves: the file's content is already on disk.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// lock takes the exclusive lock on f that every job holds on the partial file it
// writes, so that no other job goes on with it at the same time. It fails with
// ErrInUse if another process has it; file systems without locks are let be.
func lock(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return nil
}
