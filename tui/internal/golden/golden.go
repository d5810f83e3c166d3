// Package golden helps the tests of views: it compares what they draw with a stored
// screen, and watches what a running program writes. Run the tests
// with UPDATE_GOLDEN=1 to store what they draw now, and look at the difference
// before committing it.
package golden

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/llmz/llmz/tui/text"
	"github.com/llmz/llmz/tui/theme"
)

// The themes that screens are drawn in: all colours, 256 on a light background, 16,
// and none at all.
var (
	Colour  = theme.New(theme.Options{Dark: true, Profile: colorprofile.TrueColor, Glyphs: theme.Braille})
	Light   = theme.New(theme.Options{Profile: colorprofile.ANSI256, Glyphs: theme.Block})
	Sixteen = theme.New(theme.Options{Dark: true, Profile: colorprofile.ANSI, Glyphs: theme.Block})
	ASCII   = theme.New(theme.Options{Profile: colorprofile.ANSI, Glyphs: theme.ASCII})
	Mono    = theme.New(theme.Options{Dark: true, Profile: colorprofile.ASCII, Glyphs: theme.Braille})
)

// Sizes are the screens to draw on: tiny, the usual one, and a large one.
var Sizes = [][2]int{{40, 12}, {80, 24}, {140, 40}}

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

// Watch returns a function that waits until the program has written some text,
// escape sequences left out, at any time.
func Watch(t *testing.T, p *teatest.TestModel) func(what string) {
	var seen bytes.Buffer
	return func(what string) {
		t.Helper()
		teatest.WaitFor(t, io.TeeReader(p.Output(), &seen), func([]byte) bool {
			return strings.Contains(ansi.Strip(seen.String()), what)
		}, teatest.WithDuration(10*time.Second))
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
