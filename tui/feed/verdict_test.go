package feed

import (
	"math"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		TrainingOutcome
		want string // a part of it
	}{
		"good":                   {TrainingOutcome{Trained: 2.1, Held: 2.2, Counted: 4.6}, ""},
		"tiny, by heart":         {TrainingOutcome{Trained: 0.46, Held: 4.87, Counted: 4.5}, "useless: 4.87"},
		"by heart":               {TrainingOutcome{Trained: 0.9, Held: 2.4, Counted: 4.5}, "by heart (0.90"},
		"too short":              {TrainingOutcome{Trained: 7.8, Held: 7.81, Counted: 4.6}, "useless: 7.81 bits per byte on the text held out, and counting bytes alone gives 4.60; train it for longer"},
		"adapted, some":          {TrainingOutcome{Trained: 1.5, Held: 1.8, Counted: 4.6}, ""},
		"nothing held out":       {TrainingOutcome{Trained: 0.1, Counted: 4.6}, ""},
		"random, incompressible": {TrainingOutcome{Trained: 8, Held: 8.01, Counted: 8}, "useless"},
	} {
		if got := c.Verdict(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
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
