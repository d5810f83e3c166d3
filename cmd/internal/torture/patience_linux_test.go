package main

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestWatch: a process that is at work runs out of time, one that is stopped does not.
func TestWatch(t *testing.T) {
	sleep := exec.Command("sleep", "600")
	if err := sleep.Start(); err != nil {
		t.Skip(err)
	}
	defer sleep.Wait()
	defer sleep.Process.Kill()
	hung := make(chan struct{})
	sleep.Process.Signal(syscall.SIGSTOP)
	for !stopped(sleep.Process.Pid) {
		time.Sleep(time.Millisecond)
	}
	w := startWatch(sleep.Process.Pid, 60*time.Millisecond, func() { close(hung) })
	select {
	case <-hung:
		t.Error("the time in which it was stopped was counted")
	case <-time.After(300 * time.Millisecond):
	}
	sleep.Process.Signal(syscall.SIGCONT)
	<-hung
	w.stop()
	w = startWatch(sleep.Process.Pid, time.Hour, func() { t.Error("too early") })
	w.reset(2 * time.Hour)
	w.stop()
}
