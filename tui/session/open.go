package session

import (
	"io"

	"github.com/llmz/llmz/engine/ctxio"
)

// opener returns a function that opens a file.
func opener(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return ctxio.OpenRegular(path) }
}
