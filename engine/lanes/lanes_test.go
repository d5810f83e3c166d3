package lanes

import (
	"slices"
	"testing"
)

func TestCut(t *testing.T) {
	symbols := make([]int, 11)
	for i := range symbols {
		symbols[i] = i
	}
	for lanes := 1; lanes <= 2*len(symbols); lanes++ {
		c := Cut{len(symbols), lanes}
		var joined []int
		for i, p := range Split(symbols, lanes) {
			if c.Start(i) != len(joined) || c.Len(i) != len(p) {
				t.Errorf("%d lanes: lane %d is %d symbols from %d, not %d from %d", lanes, i, c.Len(i), c.Start(i), len(p), len(joined))
			}
			joined = append(joined, p...)
			if i > 0 && (c.Len(i) > c.Len(i-1) || c.Len(i) < c.Len(0)-1) {
				t.Errorf("%d lanes: lengths %d and %d", lanes, c.Len(i-1), c.Len(i))
			}
		}
		if !slices.Equal(joined, symbols) {
			t.Errorf("%d lanes: %v", lanes, joined)
		}
		for step := range c.Steps() {
			active := 0
			for i := range lanes {
				if c.Len(i) > step {
					active++
				}
			}
			if c.Active(step) != active || active == 0 {
				t.Errorf("%d lanes, step %d: %d active, not %d", lanes, step, c.Active(step), active)
			}
		}
	}
}
