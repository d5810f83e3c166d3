package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// maxMemory is the most memory that a trial's inputs of some kilobytes explain.
const maxMemory = 1 << 30

// work runs trials in this process, saying on stdout which one is next, what it
// found, and at the end what it counted.
func work(ctx context.Context, llmz, name string, first uint64, once bool) {
	var k kind
	for _, x := range kinds {
		if x.name == name {
			k = x
		}
	}
	dir, err := os.MkdirTemp("", "torture-")
	if err != nil {
		fatal(err)
	}
	defer os.RemoveAll(dir)
	out := bufio.NewWriter(os.Stdout)
	try, err := k.setUp(&tortured{ctx: ctx, llmz: llmz, dir: dir, note: func(what string, n int) { fmt.Fprintf(out, "note %d %s\n", n, what) }})
	if err != nil {
		fatal(err)
	}
	stop := make(chan struct{})
	go func() { // the supervisor closes stdin when time is up
		io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	for n := first; ; n++ {
		select {
		case <-stop:
			out.Flush()
			return
		default:
		}
		fmt.Fprintf(out, "try %d\n", n)
		out.Flush()
		if err := try(n); err != nil {
			fmt.Fprintf(out, "found %d %s\n", n, strconv.Quote(err.Error()))
		}
		if peak := peakMemory(); peak > maxMemory {
			fmt.Fprintf(out, "found %d %s\n", n, strconv.Quote(fmt.Sprintf("the process took %d MiB", peak>>20)))
			out.Flush()
			return // a new process measures anew
		}
		if once {
			out.Flush()
			return
		}
	}
}

// peakMemory returns the most memory that this process had, 0 where that is not told.
func peakMemory() int64 {
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kib int64
	fmt.Sscan(rest, &kib)
	return kib << 10
}

// supervise runs workers, and looks for crashes and hangs.
func (r *run) supervise(ctx context.Context, k kind, dir string, c *counts) {
	for next := r.first; ctx.Err() == nil; {
		last, done := r.workerFrom(ctx, k, next, c)
		if done || r.once {
			return
		}
		next = last + 1
	}
}

// workerFrom runs a worker until it ends, which is by itself (done), or by a crash or
// a hang in the trial that it returns.
func (r *run) workerFrom(ctx context.Context, k kind, first uint64, c *counts) (last uint64, done bool) {
	args := []string{"-llmz", r.llmz, "-worker", k.name, "-seed", fmt.Sprint(first)}
	if r.once {
		args = append(args, "-once")
	}
	cmd := exec.Command(os.Args[0], args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fatal(err)
	}
	var hung atomic.Bool
	watch := startWatch(cmd.Process.Pid, time.Minute, func() { // the first one sets up
		hung.Store(true)
		cmd.Process.Signal(syscall.SIGQUIT)
		time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
	})
	defer watch.stop()
	defer context.AfterFunc(ctx, func() { in.Close() })()
	last = first
	found := false
	s := bufio.NewScanner(out)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		verb, rest, _ := strings.Cut(s.Text(), " ")
		number, rest, _ := strings.Cut(rest, " ")
		n, _ := strconv.ParseUint(number, 10, 64)
		switch verb {
		case "try":
			watch.reset(patience())
			last = n
			c.trials++
		case "note":
			c.add(rest, int(n))
		case "found":
			what, _ := strconv.Unquote(rest)
			r.found(k, n, what, "")
			found = true
		}
	}
	err = cmd.Wait()
	switch {
	case hung.Load():
		r.found(k, last, fmt.Sprintf("no end within %v\n%s", patience(), said.String()), "")
	case err != nil:
		r.found(k, last, fmt.Sprintf("the process ended: %v\n%s", err, said.String()), "")
	case !found || ctx.Err() != nil:
		return last, ctx.Err() != nil || r.once
	}
	return last, false
}
