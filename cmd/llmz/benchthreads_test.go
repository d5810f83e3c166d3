package main

import (
	"slices"
	"testing"
)

func TestChosenThreads(t *testing.T) {
	for _, c := range []struct {
		list  []string
		cores int
		want  []int
	}{
		{nil, 4, nil}, {[]string{"all"}, 1, []int{1}}, {[]string{"all"}, 2, []int{1, 2}}, {[]string{"all"}, 6, []int{1, 2, 4, 6}},
		{[]string{"1", "2", "4"}, 2, []int{1, 2, 4}}, {[]string{"4", "1", "4"}, 2, []int{4, 1}}, {[]string{"0"}, 2, []int{0}},
		{[]string{"3", "all"}, 4, []int{3, 1, 2, 4}}, {[]string{"all", "8"}, 2, []int{1, 2, 8}},
	} {
		if got, err := chosenThreads(c.list, c.cores); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v on %d cores: %v, %v; want %v", c.list, c.cores, got, err, c.want)
		}
	}
	for _, s := range []string{"-1", "many", "", "1.5", "65537", "99999999999999999999"} {
		if _, err := chosenThreads([]string{s}, 2); err == nil {
			t.Errorf("%q threads are taken", s)
		}
	}
}
