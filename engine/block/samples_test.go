package block

import (
	"testing"
	"time"

	"github.com/llmz/llmz/engine/profile"
)

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
		var b coding
		b.samples = samples{coding: c.code, mixing: c.mix, infer: c.infer, at: time.Unix(0, 0), steps: 8}
		for n := range time.Duration(3) {
			b.addSample(time.Unix(0, int64((n+1)*c.elapsed)), int(n+2)*8)
			if b.profile[profile.StageMix] != c.wantMix || b.profile[profile.StageCode] != c.wantC {
				t.Errorf("%+v, sample %d: %v", c, n, b.profile)
			}
			b.profile = profile.Profile{}
			b.samples.infer += c.infer
		}
	}
}
