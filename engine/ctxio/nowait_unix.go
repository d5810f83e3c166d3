//go:build unix

package ctxio

import "syscall"

// noWait keeps the opening of a named pipe from waiting; files take no notice.
const noWait = syscall.O_NONBLOCK
