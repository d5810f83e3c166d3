package main

import (
	"os"
	"slices"
	"testing"
)

// The levels that bench measures are those of the table: each once, whatever they are.
func TestChosenLevels(t *testing.T) {
	all, err := chosenLevels([]string{allLevels})
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, l := range all {
		for _, n := range l.Numbers {
			if levels[n-1].model != l.Model || levels[n-1].rich != l.Rich {
				t.Errorf("-%d is measured as %s, rich %v", n, l.Model, l.Rich)
			}
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i := range levels {
		if i >= len(numbers) || numbers[i] != i+1 {
			t.Fatalf("levels %v are measured", numbers)
		}
	}
	if some, err := chosenLevels([]string{"6", "1", "6"}); err != nil || len(some) != 2 || some[0].Numbers[0] != 1 || some[1].Numbers[0] != 6 {
		t.Errorf("--levels=6,1,6 is %v, %v", some, err)
	}
	for _, s := range []string{"0", "10", "-1", "gru", ""} {
		if _, err := chosenLevels([]string{s}); err == nil {
			t.Errorf("level %q is taken", s)
		}
	}
}

// The table says which levels' models want the lean mixer.
func TestLeanLevels(t *testing.T) {
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	for i, l := range levels {
		if l.model == noModel || l.rich {
			continue
		}
		m, err := a.models.Open(t.Context(), l.model)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Preferences(1).Lean; got != l.lean {
			t.Errorf("-%d: %s wants the lean mixer: %v", i+1, l.model, got)
		}
		closeAll(m)
	}
}
