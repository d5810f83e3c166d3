package outfile

import (
	"errors"
	"os"
	"sync"
)

// Errors about standard streams that the program was started without.
var (
	ErrStdinClosed  = errors.New("standard input is closed")
	ErrStdoutClosed = errors.New("standard output is closed")
)

// CheckStream fails if f is a standard stream of the process that was closed when it
// started. Go opens the null device in its place, where data would vanish and input
// would seem empty.
//
// A null device that somebody opened for reading and writing, and for this stream
// alone, cannot be told from that: some programs start others so. Those who redirect a
// stream there open it one way.
func CheckStream(f *os.File) error {
	switch f {
	case os.Stdin:
		return stdinClosed()
	case os.Stdout:
		return stdoutClosed()
	case os.Stderr:
		return stderrClosed()
	}
	return nil
}

// What was closed at the start is asked once.
var (
	stdinClosed  = closedAs(0, ErrStdinClosed)
	stdoutClosed = closedAs(1, ErrStdoutClosed)
	stderrClosed = closedAs(2, errors.New("standard error is closed"))
)

func closedAs(fd int, err error) func() error {
	return sync.OnceValue(func() error {
		if wasClosed(fd) {
			return err
		}
		return nil
	})
}

// CheckPath is CheckStream for a path that leads to a standard stream.
func CheckPath(path string) error {
	if n, own := descriptor(path); own {
		return checkDescriptor(n)
	}
	return nil
}

func checkDescriptor(n int) error {
	if streams := []*os.File{os.Stdin, os.Stdout, os.Stderr}; n >= 0 && n < len(streams) {
		return CheckStream(streams[n])
	}
	return nil
}
