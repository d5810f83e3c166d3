package main

import "testing"

func TestCollectAt(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 4 << 20: 100, smallHeap: 100, 2 * smallHeap: 12, 360 << 20: 1, 1 << 40: 1} {
		if got := collectAt(live); got != want {
			t.Errorf("with %d MiB in use: %d%%, want %d%%", live>>20, got, want)
		}
	}
}
