package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A Process measures cases in child processes: each row then has its own peak
// memory and load time, and a compressor that brings its process down costs
// only its row.
type Process struct {
	// Command is the program and the arguments that make it call Work.
	Command []string
	// Env returns what is added to the child's environment; it may be nil.
	Env func(c Case) []string
}

// Measure measures a case in a child process. Programs run without one: they
// are processes already.
func (p Process) Measure(ctx context.Context, c Case) Row {
	if c.Kind == KindPeer {
		return Measure(ctx, c, OpenPeer)
	}
	row, err := p.ask(ctx, c)
	if err != nil {
		row = Measure(ctx, c, func(context.Context, Case) (Subject, Facts, error) { return nil, Facts{}, err })
	}
	return row
}

func (p Process) ask(ctx context.Context, c Case) (Row, error) {
	request, err := json.Marshal(c)
	if err != nil {
		return Row{}, err
	}
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	// A child that is asked politely can remove its temporary files.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	cmd.Stdin = bytes.NewReader(request)
	if p.Env != nil {
		cmd.Env = append(os.Environ(), p.Env(c)...)
	}
	var answer, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &answer, &said
	runErr := cmd.Run()
	if ctx.Err() != nil {
		return Row{}, ctx.Err()
	}
	var row Row
	if err := json.Unmarshal(answer.Bytes(), &row); err != nil {
		if runErr == nil {
			runErr = errors.New("it gave no answer")
		}
		return Row{}, fmt.Errorf("measuring process: %w%s", runErr, lastLine(said.String()))
	}
	return row, nil
}

// Work is the child's side of Process: it reads a case from r, measures it and
// writes the row to w.
func Work(ctx context.Context, w io.Writer, r io.Reader, open Opener) error {
	var c Case
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return fmt.Errorf("reading the case: %w", err)
	}
	if c.Kind == KindClassic {
		open = OpenClassic
	}
	return json.NewEncoder(w).Encode(Measure(ctx, c, open))
}
