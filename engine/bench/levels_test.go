package bench

import (
	"slices"
	"testing"
)

func TestLadder(t *testing.T) {
	rows := []Row{
		{File: "b", Model: "gru", Kind: KindModel, Levels: []int{7, 8, 9}, Rich: true, Mixer: "rich", Ratio: 4, BPC: 2, CompressBytesPerSecond: 1000, DecompressBytesPerSecond: 900},
		{File: "b", Model: "none", Kind: KindModel, Levels: []int{1}, Mixer: "fast", Ratio: 3, BPC: 2.667},
		{File: "b", Model: "xz-9", Kind: KindClassic, Ratio: 2, BPC: 4},
		{File: "a", Model: "gru", Kind: KindModel, Levels: []int{6}, Error: "no\nmodel"},
		{File: "a", Model: "none", Kind: KindModel, Levels: []int{2, 3, 5}, Rich: true, Mixer: "rich", Ratio: 3, BPC: 2.667},
	}
	got := Ladder(rows).Rows
	want := [][]string{
		{"-1", "b", "none", "fast", "3.00", "2.667", "0.00", "0.00", "-"},
		{"-7 to -9", "b", "gru", "rich", "4.00", "2.000", "1000", "900", "-"},
		{"-2 to -3, -5", "a", "none", "rich", "3.00", "2.667", "0.00", "0.00", "-"},
		{"-6", "a", "gru", "-", "failed: no model", "-", "-", "-", "-"},
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if AllLevels(rows) || !AnyLevels(rows) || AllLevels(nil) || !AllLevels(rows[:2]) || AnyLevels(rows[2:3]) {
		t.Error("which rows are levels is told wrong")
	}
}

func TestLevelCases(t *testing.T) {
	m := Matrix{
		Levels: []Level{{Numbers: []int{1}, Model: NoModel}, {Numbers: []int{7, 9}, Model: "gru", Rich: true}},
		Data:   []Data{{Name: "x", Path: "x"}},
		Lanes:  []int{0},
	}
	cases := m.Cases()
	if len(cases) != 2 {
		t.Fatalf("%d cases for two levels", len(cases))
	}
	for i, want := range []string{"llmz bench --levels=1 x", "llmz bench --levels=7,9 x"} {
		if c := cases[i]; c.Command != want || c.Rich != m.Levels[i].Rich || c.Model != m.Levels[i].Model || !slices.Equal(c.Levels, m.Levels[i].Numbers) {
			t.Errorf("level %v is measured as %+v", m.Levels[i].Numbers, c)
		}
	}
	// The rich mixer's row is another case than the fast one's.
	fast, rich := Row{Model: "gru"}, Row{Model: "gru", Rich: true}
	if fast.key() == rich.key() {
		t.Error("two mixers have one key")
	}
}
