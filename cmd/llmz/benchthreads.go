package main

import (
	"slices"
	"strconv"

	"github.com/llmz/llmz/engine/bench"
)

// allThreads, as a number of threads, stands for those that tell how work scales.
const allThreads = "all"

// chosenThreads returns the numbers of threads that bench is to measure on a machine with so
// many cores, in the order in which they were given, each once.
func chosenThreads(list []string, cores int) ([]int, error) {
	var chosen []int
	for _, s := range list {
		numbers := bench.ThreadLadder(cores)
		if s != allThreads {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 || n > maxThreads {
				return nil, usagef("--threads: %q is neither a number up to %d nor all", s, maxThreads)
			}
			numbers = []int{n}
		}
		for _, n := range numbers {
			if !slices.Contains(chosen, n) {
				chosen = append(chosen, n)
			}
		}
	}
	return chosen, nil
}
