package main

import (
	"slices"
	"strconv"

	"github.com/llmz/llmz/engine/bench"
)

// allLevels is what --levels stands for without a list.
const allLevels = "all"

// chosenLevels returns the levels that bench --levels is to measure, in order. Those
// that are the same as another are one.
func chosenLevels(list []string) ([]bench.Level, error) {
	var chosen [len(levels)]bool
	for _, s := range list {
		if s == allLevels {
			for i := range chosen {
				chosen[i] = true
			}
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > len(levels) {
			return nil, usagef("--levels: %q is not a level from 1 to %d", s, len(levels))
		}
		chosen[n-1] = true
	}
	var all []bench.Level
	for i, is := range chosen {
		if !is {
			continue
		}
		l := levels[i]
		same := slices.IndexFunc(all, func(o bench.Level) bool { return o.Model == l.model && o.Rich == l.rich })
		if same < 0 {
			same = len(all)
			all = append(all, bench.Level{Model: l.model, Rich: l.rich, Repeats: l.repeats})
		}
		all[same].Numbers = append(all[same].Numbers, i+1)
	}
	return all, nil
}
