package content

import (
	"slices"
	"testing"
)

// TestRuns: neighbours of a kind are one run, and what is short belongs to its neighbour.
func TestRuns(t *testing.T) {
	const k = 1 << 10
	text := func(n int) Segment { return Segment{Kind: Text, Len: n} }
	log := func(n int) Segment { return Segment{Kind: Log, Len: n} }
	image := func(n, width int) Segment { return Segment{Kind: Image8, Len: n, Width: width} }
	for name, c := range map[string]struct {
		plan Plan
		want []Run
	}{
		"one":                 {Plan{text(9)}, []Run{{Text, 9}}},
		"two":                 {Plan{text(5 * k), image(5*k, 8)}, []Run{{Text, 5 * k}, {Image8, 10 * k}}},
		"kinds of text":       {Plan{text(5 * k), log(5 * k), text(5 * k)}, []Run{{Text, 5 * k}, {Log, 10 * k}, {Text, 15 * k}}},
		"widths":              {Plan{image(5*k, 8), image(5*k, 9)}, []Run{{Image8, 10 * k}}},
		"short ones of one":   {Plan{text(5 * k), image(3*k, 8), image(3*k, 9)}, []Run{{Text, 5 * k}, {Image8, 11 * k}}},
		"short":               {Plan{text(5 * k), image(4*k-1, 8), text(5 * k)}, []Run{{Text, 14*k - 1}}},
		"just long enough":    {Plan{text(5 * k), image(4*k, 8), text(5 * k)}, []Run{{Text, 5 * k}, {Image8, 9 * k}, {Text, 14 * k}}},
		"short at the start":  {Plan{text(k), image(9*k, 8), text(9 * k)}, []Run{{Image8, 10 * k}, {Text, 19 * k}}},
		"short at the end":    {Plan{text(9 * k), image(k, 8)}, []Run{{Text, 10 * k}}},
		"all short":           {Plan{text(k), image(k, 8), log(k)}, []Run{{Text, 3 * k}}},
		"short, but a lot":    {Plan{text(3 * k), image(3*k, 8), text(3 * k), log(9 * k)}, []Run{{Text, 9 * k}, {Log, 18 * k}}},
		"short, then another": {Plan{text(k), image(k, 8), log(9 * k)}, []Run{{Log, 11 * k}}},
		"nothing":             {nil, nil},
	} {
		if got := c.plan.Runs(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
