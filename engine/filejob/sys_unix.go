//go:build unix

package filejob

import (
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
