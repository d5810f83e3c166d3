package engine

import (
	"bytes"
	"io"
	"testing"
	"time"
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

// Inspect tells what Compress does: its costs add up to the archive less its
// headers.
func TestInspectAgreesWithCompress(t *testing.T) {
	content := alice(t, 9000)
	for _, o := range []Options{{Model: orderModel{}}, {Model: orderModel{}, NoMix: true}, {NoModel: true}, {Model: tokenModel{orderModel{tokens: true}}}} {
		var archive bytes.Buffer
		o.Threads = 1
		o.BlockSize = 8500 // of an only block, the mixer alone may make less
		if _, err := Compress(t.Context(), &archive, bytes.NewReader(content), o); err != nil {
			t.Fatal(err)
		}
		x, err := Inspect(t.Context(), content, InspectOptions{Model: o.Model, NoMix: o.NoMix, BlockSize: o.BlockSize})
		if err != nil {
			t.Fatal(err)
		}
		if over := float64(archive.Len()) - x.Bits/8; over < 20 || over > 220 {
			t.Errorf("%+v: the archive has %d bytes, the costs add up to %.0f", o, archive.Len(), x.Bits/8)
		}
	}
}

// What a sample stands for takes no longer than the time that passed since the one before.
func TestSampledStages(t *testing.T) {
	for _, c := range []struct {
		infer, mix, code        time.Duration // of the model, and of one step of eight
		elapsed, wantMix, wantC time.Duration
	}{
		{0, 60, 20, 1000, 480, 160},    // as measured
		{0, 1500, 500, 1000, 750, 250}, // held up
		{600, 60, 20, 1000, 300, 100},  // the model has its share
		{1500, 60, 20, 1000, 0, 0},
	} {
		var b blockCodec
		b.samples = samples{coding: c.code, mixing: c.mix, infer: c.infer, at: time.Unix(0, 0), steps: 8}
		for n := range time.Duration(3) {
			b.addSample(time.Unix(0, int64((n+1)*c.elapsed)), int(n+2)*8)
			if b.profile[StageMix] != c.wantMix || b.profile[StageCode] != c.wantC {
				t.Errorf("%+v, sample %d: %v", c, n, b.profile)
			}
			b.profile = Profile{}
			b.samples.infer += c.infer
		}
	}
}
