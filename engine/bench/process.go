package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// OpenPeer is the Opener of programs. The program works on files in a directory
// of its own, which Close removes; what is timed is the process alone, its
// start included.
func OpenPeer(_ context.Context, c Case) (Subject, Facts, error) {
	p, err := peerByName(c.Model)
	if err != nil {
		return nil, Facts{}, err
	}
	return newPeerSubject(p)
}

func newPeerSubject(p Peer) (Subject, Facts, error) {
	path, err := exec.LookPath(p.Program)
	if err != nil {
		return nil, Facts{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, Facts{}, err
	}
	dir, err := os.MkdirTemp("", "llmz-bench-")
	if err != nil {
		return nil, Facts{}, err
	}
	return &peerSubject{Peer: p, path: path, dir: dir}, Facts{Device: "cpu", Note: "program " + p.Program}, nil
}

type peerSubject struct {
	Peer
	path, dir string
}

func (s *peerSubject) Close() error { return os.RemoveAll(s.dir) }

func (s *peerSubject) Compress(ctx context.Context, dst io.Writer, src io.Reader, _ int64, _ func(int64, int64)) (Outcome, error) {
	return s.run(ctx, dst, src, "data", "data"+s.Suffix, s.Peer.Compress, s.ToStdout)
}

func (s *peerSubject) Decompress(ctx context.Context, dst io.Writer, src io.Reader) (Outcome, error) {
	return s.run(ctx, dst, src, "packed"+s.Suffix, "data.out", s.Expand, s.ExpandToStdout)
}

// leastWatch is the time below which a process may have ended before its memory
// was looked at.
const leastWatch = 50 * time.Millisecond

// run puts src into the file in, runs the program with args and hands the file
// out, or its standard output, to dst.
func (s *peerSubject) run(ctx context.Context, dst io.Writer, src io.Reader, in, out string, args []string, toStdout bool) (Outcome, error) {
	inPath, outPath := filepath.Join(s.dir, in), filepath.Join(s.dir, out)
	if err := writeFile(inPath, src); err != nil {
		return Outcome{}, err
	}
	// An earlier run's output would be added to, or asked about.
	if err := os.RemoveAll(outPath); err != nil {
		return Outcome{}, err
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = expand(a, in, out)
	}
	cmd := exec.CommandContext(ctx, s.path, words...)
	cmd.Dir = s.dir
	cmd.WaitDelay = time.Second
	var stdout *os.File
	if toStdout {
		f, err := os.Create(outPath)
		if err != nil {
			return Outcome{}, err
		}
		defer f.Close()
		stdout = f
		cmd.Stdout = f
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return Outcome{}, err
	}
	stop := watchRSS(cmd.Process.Pid)
	err := cmd.Wait()
	outcome := Outcome{Threads: 1, Elapsed: time.Since(start)}
	watched := stop()
	if outcome.Elapsed < leastWatch {
		watched = 0
	}
	outcome.PeakRSSBytes = max(watched, childPeakRSS(cmd.ProcessState))
	if err != nil {
		if ctx.Err() != nil {
			return outcome, ctx.Err()
		}
		return outcome, fmt.Errorf("%s: %w%s", s.Program, err, lastLine(said.String()))
	}
	if stdout != nil {
		if err := stdout.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			return outcome, err
		}
	}
	f, err := os.Open(outPath)
	if err != nil {
		return outcome, fmt.Errorf("%s left no output: %w", s.Program, err)
	}
	defer f.Close()
	_, err = io.Copy(dst, f)
	return outcome, err
}

func writeFile(path string, src io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, src)
	return errors.Join(err, f.Close())
}

// lastLine returns the last line of what a program said, as the end of a
// message.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimSpace(s[strings.LastIndexAny(s, "\r\n")+1:])
	if s == "" {
		return ""
	}
	return ": " + s
}
