package bench

import (
	"math"
	"slices"
)

// A Summary describes the repeated measurements of one thing.
type Summary struct {
	Runs   int     `json:"runs"`
	Median float64 `json:"median"`
	Mean   float64 `json:"mean"`
	SD     float64 `json:"sd"` // of the sample (n-1); 0 for fewer than two runs
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	// Outliers is the number of runs so far from the median that something else
	// must have been at work. They are counted, not dropped.
	Outliers int `json:"outliers,omitempty"`
}

// outlierScore is the modified z-score beyond which a run counts as an outlier
// (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993).
const outlierScore = 3.5

// Summarize describes xs, which it leaves alone. It returns the zero Summary
// for none.
func Summarize(xs []float64) Summary {
	n := len(xs)
	if n == 0 {
		return Summary{}
	}
	s := Summary{Runs: n, Median: median(xs), Min: slices.Min(xs), Max: slices.Max(xs)}
	for _, x := range xs {
		s.Mean += x / float64(n)
	}
	if n > 1 {
		var squares float64
		for _, x := range xs {
			squares += (x - s.Mean) * (x - s.Mean)
		}
		s.SD = math.Sqrt(squares / float64(n-1))
	}
	s.Outliers = outliers(xs, s.Median)
	return s
}

// outliers counts the values whose modified z-score is beyond outlierScore. It
// takes at least five values to tell.
func outliers(xs []float64, mid float64) int {
	if len(xs) < 5 {
		return 0
	}
	dev := make([]float64, len(xs))
	for i, x := range xs {
		dev[i] = math.Abs(x - mid)
	}
	unit := median(dev) / 0.6745 // the standard deviation, were they normally distributed
	if unit == 0 {
		// More than half of them are equal: take the mean deviation instead.
		for _, d := range dev {
			unit += 1.2533 * d / float64(len(dev))
		}
	}
	n := 0
	for _, d := range dev {
		if d > outlierScore*unit {
			n++
		}
	}
	return n
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}
