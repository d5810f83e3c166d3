package main

import (
	"os"
	"path/filepath"
)

// space says how many bytes are free where models go, and where that is.
func (b *sessionBackend) space() (int64, string, error) {
	dir := b.a.models.Dir
	free, err := freeSpace(existing(dir))
	return free, dir, err
}

// existing returns a directory, or the nearest one above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return dir
		}
		dir = parent
	}
}
