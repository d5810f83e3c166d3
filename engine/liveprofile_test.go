package engine

import (
	"bytes"
	"io"
	"testing"
)

// The profile is known while the first block is still at work, and what was
// counted then is not counted again when the block ends.
func TestProgressCarriesTheProfile(t *testing.T) {
	content := alice(t, 6000)
	var events []Progress
	var result Result
	observe := func(e Event) {
		switch e := e.(type) {
		case Progress:
			events = append(events, e)
		case Finished:
			result = e.Result
		}
	}
	_, err := Compress(t.Context(), io.Discard, bytes.NewReader(content), Options{Model: orderModel{}, Lanes: 4, BlockSize: 3000, Threads: 1,
		Observer: observe, ProgressInterval: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(events) < 10 {
		t.Fatalf("%d events", len(events))
	}
	early := events[len(events)/4]
	if early.Block != 0 || early.Profile[StageMix] <= 0 || early.Profile[StageInfer] <= 0 {
		t.Errorf("in block %d: %v", early.Block, early.Profile)
	}
	for s := range NumStages {
		if s == StageOther {
			continue
		}
		for i := 1; i < len(events); i++ {
			if events[i].Profile[s] < events[i-1].Profile[s] {
				t.Fatalf("stage %d goes back from %v to %v", s, events[i-1].Profile[s], events[i].Profile[s])
			}
		}
		if last := events[len(events)-1].Profile[s]; last > result.Profile[s] {
			t.Errorf("stage %d: %v on the way, %v in the end", s, last, result.Profile[s])
		}
	}
}
