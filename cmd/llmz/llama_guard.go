//go:build !nollama

package main

import (
	"os"

	"github.com/llmz/llmz/cmd/llmz/internal/busguard"
	"github.com/llmz/llmz/engine/lm/llama"
	"github.com/llmz/llmz/tui/text"
)

func init() {
	busguard.Install()
	llama.OnAbort = endAborted
}

// endAborted says why llama.cpp ends the process, and ends it as any failure does. What
// was being written keeps its temporary name, as after a kill.
func endAborted(err error) {
	text.Fprintf(os.Stderr, "\nllmz: %v\nllmz: hint: %s\n", err, hintFor(err))
	os.Exit(exitFailed)
}
