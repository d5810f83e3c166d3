package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

// mountSmall makes dir a disk of 128 kB, which only root may.
func mountSmall(dir string) (unmount func(), err error) {
	if err := syscall.Mount("torture", dir, "tmpfs", 0, "size=128k"); err != nil {
		return nil, fmt.Errorf("a small disk cannot be mounted: %w", err)
	}
	return func() { syscall.Unmount(dir, syscall.MNT_DETACH) }, nil
}

// memory returns the most memory that a process had.
func memory(cmd *exec.Cmd) int64 {
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}
