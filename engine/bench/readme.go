package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The markers between which UpdateReadme writes.
const (
	readmeBegin = "<!-- bench:begin (written by \"make benchmarks\": do not edit) -->"
	readmeEnd   = "<!-- bench:end -->"
)

// ErrNoMarkers means that a file has no place for tables.
var ErrNoMarkers = errors.New("no " + readmeBegin + " … " + readmeEnd)

// UpdateReadme replaces what is between the markers of a Markdown file by the
// tables of rows. The file is left alone if nothing changes.
func UpdateReadme(path string, rows []Row) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	from := bytes.Index(old, []byte(readmeBegin))
	to := bytes.Index(old, []byte(readmeEnd))
	if from < 0 || to < from {
		return fmt.Errorf("%s: %w", path, ErrNoMarkers)
	}
	var b bytes.Buffer
	b.Write(old[:from+len(readmeBegin)])
	b.WriteString("\n\n")
	if err := Section(&b, rows); err != nil {
		return err
	}
	b.WriteString(pictures(filepath.Dir(path)))
	b.WriteString("\n")
	b.Write(old[to:])
	if bytes.Equal(b.Bytes(), old) {
		return nil
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// picturesDir is where "make benchmarks" draws, relative to the README.
const picturesDir = "testdata/bench"

// pictures returns the Markdown of those pictures that are there.
func pictures(dir string) string {
	var b strings.Builder
	for _, p := range []struct{ name, alt string }{
		{"speed-ratio-alice29-txt", "Ratio against speed on alice29.txt"},
		{"bpc-alice29-txt", "Bits per byte along alice29.txt"},
		{"stages-alice29-txt", "The stages' shares of the time"},
		{"scaling-threads", "Speed against threads"},
		{"scaling-lanes", "Speed against lanes"},
		{"scaling-size", "Speed against the size of the input"},
	} {
		file := picturesDir + "/" + p.name + ".svg"
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err == nil {
			fmt.Fprintf(&b, "\n![%s](%s)\n", p.alt, file)
		}
	}
	return b.String()
}
