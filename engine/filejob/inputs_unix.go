//go:build unix

package filejob

import (
	"os"
	"syscall"
)

// A fileKey identifies a file for as long as it is there.
type fileKey struct{ device, inode uint64 }

func keyOf(fi os.FileInfo) (fileKey, bool) {
	s, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fileKey{}, false
	}
	return fileKey{uint64(s.Dev), uint64(s.Ino)}, true
}
