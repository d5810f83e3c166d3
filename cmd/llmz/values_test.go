package main

import (
	"math"
	"testing"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1": 1, "65536": 65536, "4MiB": 4 << 20, "4M": 4 << 20, "4m": 4 << 20, "500MB": 500e6, "1.5K": 1536, " 2 kB ": 2000, "3B": 3,
		"9007199254740993": 1<<53 + 1, "9223372036854775807": math.MaxInt64, "1T": 1 << 40, ".5K": 512,
		"": -1, "-1": -1, "+1": -1, "x": -1, "K": -1, ".": -1, "1e3": -1, "0x10": -1, "1_000": -1, "inf": -1, "nan": -1, "1KK": -1, "12XB": -1,
		"9223372036854775808": -1, "9999999T": -1, "9999999.5T": -1, "1.2.3": -1, "1 2": -1,
	} {
		if got, err := parseSize(s); got != max(want, 0) || (err == nil) != (want >= 0) {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want)
		}
	}
}

func TestByteRange(t *testing.T) {
	for s, want := range map[string]byteRange{
		"0-0": {0, 0, true}, "5-": {5, -1, true}, "1K-2K": {1024, 2048, true}, "7-9223372036854775807": {7, math.MaxInt64, true},
		"": {}, "5": {}, "-": {}, "-5": {}, "5-4": {}, "5-6-7": {}, "a-b": {}, "1--1": {},
	} {
		var got byteRange
		if err := got.Set(s); got != want || (err == nil) != want.set {
			t.Errorf("%q is %v, %v; want %v", s, got, err, want)
		}
	}
}
