// Package golden compares what a view draws with a stored screen. Run the tests
// with UPDATE_GOLDEN=1 to store what they draw now, and look at the difference
// before committing it.
package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/llmz/llmz/tui/text"
)

var update = os.Getenv("UPDATE_GOLDEN") == "1"

// Equal compares lines with testdata/NAME.golden. Escape characters are stored
// as ␛, so that a difference can be read.
func Equal(t *testing.T, name string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := strings.ReplaceAll(strings.Join(lines, "\n"), "\x1b", "␛") + "\n"
	if update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with UPDATE_GOLDEN=1 to create it)", err)
	}
	want := strings.ReplaceAll(string(data), "\r\n", "\n")
	if got != want {
		t.Errorf("%s differs:\n--- got\n%s--- want\n%s", path, got, want)
	}
}

// Within fails if lines do not fit into w × h cells.
func Within(t *testing.T, lines []string, w, h int) {
	t.Helper()
	if len(lines) > h {
		t.Errorf("%d lines on a screen of %d", len(lines), h)
	}
	for i, l := range lines {
		if n := text.Width(l); n > w {
			t.Errorf("line %d has %d cells on a screen of %d: %q", i, n, w, l)
		}
		if strings.ContainsAny(l, "\n\t\r") {
			t.Errorf("line %d holds a control character: %q", i, l)
		}
	}
}
