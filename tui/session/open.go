package session

import (
	"io"
	"os"
)

// opener returns a function that opens a file.
func opener(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}
