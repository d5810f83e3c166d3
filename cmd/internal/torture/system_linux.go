package main

import (
	"bytes"
	"fmt"
	"os"
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

// stopped reports whether a process is stopped.
func stopped(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	i := bytes.LastIndexByte(b, ')') // behind the name, which can be anything
	return i >= 0 && i+2 < len(b) && (b[i+2] == 'T' || b[i+2] == 't')
}
