//go:build !noplots

package main

import (
	"context"

	"github.com/llmz/llmz/engine/bench"
	"github.com/llmz/llmz/engine/bench/plots"
)

// drawPlots draws the rows. Its fonts make up a good part of the program: build
// with the tag noplots to do without.
func drawPlots(ctx context.Context, dir string, rows []bench.Row) ([]string, error) {
	return plots.Write(ctx, dir, rows)
}
