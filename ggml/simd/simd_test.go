package simd

import (
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/cpuid/v2"
)

func TestLevels(t *testing.T) {
	l := Levels()
	if l[len(l)-1] != Generic {
		t.Errorf("levels %v", l)
	}
	if !assembly && (len(l) != 1 || Has(cpuid.AVX2) || Has(cpuid.ASIMDDP)) {
		t.Errorf("levels %v in a build without assembly", l)
	}
	for i := range names {
		if v := Level(i); v.Runs() != slices.Contains(l, v) {
			t.Errorf("%v runs: %t, levels %v", v, v.Runs(), l)
		}
	}
	if !slices.IsSortedFunc(l, func(a, b Level) int { return int(b) - int(a) }) {
		t.Errorf("levels %v are not in order", l)
	}
}

func TestParse(t *testing.T) {
	for _, l := range Levels() {
		if got, err := parse(l.String()); got != l || err != nil {
			t.Errorf("%v: %v, %v", l, got, err)
		}
	}
	if l, err := parse(""); err != nil || int(l) != len(names)-1 {
		t.Errorf("no name: %v, %v", l, err)
	}
	for _, name := range []string{"abacus", "AVX2", "generic ", "none"} {
		if l, err := parse(name); err == nil || l != Levels()[0] || !strings.Contains(err.Error(), Env) || !strings.Contains(err.Error(), "generic") {
			t.Errorf("%q: %v, %v", name, l, err)
		}
	}
	for i := range names {
		if l := Level(i); !l.Runs() {
			if _, err := parse(l.String()); err == nil {
				t.Errorf("%v does not run here and was accepted", l)
			}
		}
	}
}

// TestUse holds whatever LLMZ_KERNEL is set to while the tests run.
func TestUse(t *testing.T) {
	if !Generic.Allowed() || !Use(Generic) {
		t.Error("plain Go is not allowed")
	}
	limit, err := chosen()
	if (err == nil) != (Err() == nil) {
		t.Errorf("%v and %v", err, Err())
	}
	for i := range names {
		l := Level(i)
		if want := err != nil || l <= limit; l.Allowed() != want {
			t.Errorf("%v allowed: %t", l, l.Allowed())
		}
		if Use(l) != (l.Runs() && l.Allowed()) {
			t.Errorf("%v used: %t", l, Use(l))
		}
	}
}
