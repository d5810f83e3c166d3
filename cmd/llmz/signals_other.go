//go:build !unix

package main

import (
	"context"
	"os"
	"syscall"
)

// stopSignals returns the signals that end a job in an orderly way.
func stopSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// watchPipes does nothing where no signal tells of pipes that nobody reads: writes to
// them fail.
func (a *app) watchPipes(ctx context.Context) (context.Context, func()) { return ctx, func() {} }

// brokenOutput is for systems whose pipes break with a signal.
func brokenOutput() *os.File { return nil }
