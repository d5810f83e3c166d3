package block

import (
	"testing"

	"github.com/llmz/llmz/engine/predict"
)

// preferring is a model that makes use of as many threads as it has lanes, and of all in 16.
type preferring struct{ predict.Model }

func (preferring) Preferences(lanes int) predict.Preferences {
	return predict.Preferences{Threads: lanes % 16}
}

// TestUseful: a session has no more threads than its model makes use of in its lanes.
func TestUseful(t *testing.T) {
	for _, c := range []struct{ lanes, threads, want int }{{1, 1, 1}, {1, 8, 1}, {3, 8, 3}, {9, 8, 8}, {16, 8, 8}, {16, 64, 64}} {
		if got := useful(preferring{}, c.lanes, c.threads); got != c.want {
			t.Errorf("%d lanes, %d threads there: %d, want %d", c.lanes, c.threads, got, c.want)
		}
	}
}
