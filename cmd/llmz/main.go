// Command llmz losslessly compresses files with language models.
//
// Each command has a file of its own, with a newXCommand(app) that declares its
// flags and a function that runs it. Commands return errors; main alone turns
// them into messages and an exit code.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() { os.Exit(run()) }

// run runs the command line of the process and returns its exit code. The first
// interrupt cancels the context, the second ends the process.
func run() int {
	boundGarbage()
	ctx := context.Background()
	if signals := stopSignals(); len(signals) > 0 {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, signals...)
		defer stop()
		context.AfterFunc(ctx, stop)
	}
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	ctx, end := a.watchPipes(ctx)
	defer end()
	return a.execute(ctx, programArgs(os.Args[0], os.Args[1:]))
}
