package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// TestAskLong: without a terminal nobody can be asked, and nothing is started.
func TestAskLong(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	err = newApp(r, w, w).askLong(t.Context(), 26*time.Hour)
	if !errors.Is(err, errNotStarted) || !strings.Contains(err.Error(), "26 h 0 min") || !strings.Contains(hintFor(err), "--yes") {
		t.Errorf("%v (hint %q)", err, hintFor(err))
	}
	if code := exitCode(err); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[float64]string{0.24: "0.2 s", 12.4: "12 s", 200: "3 min 20 s", 7500: "2 h 5 min", 800_000: "9 days"} {
		if got := duration(s); got != want {
			t.Errorf("duration(%v) = %q, want %q", s, got, want)
		}
	}
}
