//go:build !noplots

package main

import (
	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/bench/plots"
)

// drawPlots draws the rows. Its fonts make up a good part of the program: build
// with the tag noplots to do without.
func drawPlots(dir string, rows []bench.Row) ([]string, error) { return plots.Write(dir, rows) }
