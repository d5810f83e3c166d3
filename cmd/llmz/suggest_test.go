package main

import "testing"

func TestClosest(t *testing.T) {
	words := []string{"compress", "decompress", "cat", "test", "race", "train"}
	for word, want := range map[string]string{
		"compres": "compress", "comprss": "compress", "com": "compress", "tset": "test", "trains": "train", "raec": "race",
		"": "", "x": "", "c": "", "ca": "cat", "book.txt": "", "tarball": "", "compressed-logs": "",
	} {
		if got := closest(word, words); got != want {
			t.Errorf("closest to %q is %q, want %q", word, got, want)
		}
	}
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"list", "lst", 1}, {"same", "same", 0}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("distance of %q and %q is %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
