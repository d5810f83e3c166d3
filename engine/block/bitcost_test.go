package block

import (
	"math"
	"testing"
)

func TestBitCost(t *testing.T) {
	for _, c := range [][2]uint32{{1, 1}, {1, 2}, {1, 3}, {255, 256}, {1, 1 << 31}, {7, 1<<32 - 1}, {1<<32 - 1, 1<<32 - 1}, {12345, 16777216}} {
		want := math.Log2(float64(c[1]) / float64(c[0]))
		if got := float64(bitCost(c[0], c[1])) / 256; got > want+0.01 || got < want-0.1 {
			t.Errorf("%d of %d costs %.3f bits, want %.3f", c[0], c[1], got, want)
		}
	}
}
