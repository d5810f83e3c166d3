//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopSignals returns the signals that end a job in an orderly way. What whoever
// started the program wants ignored, with nohup or for a job in the background, stays
// ignored. SIGQUIT and SIGABRT are among them: a trace of all goroutines would be
// written over a view, and leave the terminal as the view needs it.
func stopSignals() []os.Signal {
	var list []os.Signal
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// watchPipes returns a context that ends when nobody reads stdout or stderr any
// more: jobs then clean up instead of dying in the middle of a write. The function
// it returns ends the program the way the signal would have, if so.
func (a *app) watchPipes(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGPIPE)
	go func() {
		defer close(done)
		for range signals {
			if brokenOutput() != nil { // else it is a connection's
				a.unread.Store(true)
				cancel()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals) // nothing comes after it
		close(signals)
		<-done
		cancel()
		if f := brokenOutput(); f != nil && a.unread.Load() {
			f.WriteString("\n") // is the end of the process
		}
	}
}

// brokenOutput returns the standard stream that is a pipe which nobody reads any
// more, nil if there is none.
func brokenOutput() *os.File {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		p := []unix.PollFd{{Fd: int32(f.Fd())}}
		if n, err := unix.Poll(p, 0); err == nil && n == 1 && p[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			return f
		}
	}
	return nil
}
