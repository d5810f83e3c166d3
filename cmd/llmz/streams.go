package main

import (
	"slices"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/engine/outfile"
)

// checkStreams fails where data is to come from standard input, or to go to standard
// output, and the program was started without it: nothing would look like success.
func (a *app) checkStreams(inputs []string, toStdout bool) error {
	if toStdout {
		if err := outfile.CheckStream(a.stdout); err != nil {
			return err
		}
	}
	if slices.Contains(inputs, filejob.Stdio) {
		return outfile.CheckStream(a.stdin)
	}
	return nil
}
