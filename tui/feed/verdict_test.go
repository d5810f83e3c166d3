package feed

import (
	"math"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		TrainingOutcome
		want []string // a part of each warning, in order
	}{
		"good":                   {TrainingOutcome{Corpus: 5e6, Trained: 2.1, Held: 2.2, Counted: 4.6}, nil},
		"tiny, by heart":         {TrainingOutcome{Corpus: 6000, Trained: 0.46, Held: 4.87, Counted: 4.5}, []string{"6.00 kB of text is very little", "useless: 4.87"}},
		"by heart":               {TrainingOutcome{Corpus: 5e5, Trained: 0.9, Held: 2.4, Counted: 4.5}, []string{"by heart (0.90"}},
		"too short":              {TrainingOutcome{Corpus: 5e6, Trained: 7.8, Held: 7.81, Counted: 4.6}, []string{"useless: 7.81 bits per byte on the text held out, and counting bytes alone gives 4.60; train it for longer"}},
		"adapted, some":          {TrainingOutcome{Corpus: 60_000, Adapted: true, Trained: 1.5, Held: 1.8, Counted: 4.6}, nil},
		"adapted, tiny":          {TrainingOutcome{Corpus: 900, Adapted: true, Trained: 1.5, Held: 1.8, Counted: 4.6}, []string{"even to adapt"}},
		"nothing held out":       {TrainingOutcome{Corpus: 5e6, Trained: 0.1, Counted: 4.6}, nil},
		"random, incompressible": {TrainingOutcome{Corpus: 5e6, Trained: 8, Held: 8.01, Counted: 8}, []string{"useless"}},
	} {
		got := c.Verdict()
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], c.want[i]) {
				t.Errorf("%s: %q, want %q", name, got[i], c.want[i])
			}
		}
	}
}

func TestCountedBPC(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  float64
	}{{nil, 0}, {[]string{"aaaa"}, 0}, {[]string{"ab", "ab"}, 1}, {[]string{"abcd"}, 2}} {
		var texts [][]byte
		for _, s := range c.texts {
			texts = append(texts, []byte(s))
		}
		if got := CountedBPC(texts...); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%q: %v", c.texts, got)
		}
	}
}
