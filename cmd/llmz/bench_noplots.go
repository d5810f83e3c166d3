//go:build noplots

package main

import (
	"context"
	"errors"

	"github.com/llmz/llmz/engine/bench"
)

// drawPlots says that this program cannot draw.
func drawPlots(context.Context, string, []bench.Row) ([]string, error) {
	return nil, withHint(errors.New("this llmz was built without pictures"), `build it without the tag "noplots"`)
}
