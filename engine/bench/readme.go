package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	picture := func(name, alt string) string { return picture(filepath.Dir(path), name, alt) }
	if err := Section(&b, rows, picture); err != nil {
		return err
	}
	b.WriteString("\n")
	b.Write(old[to:])
	if bytes.Equal(b.Bytes(), old) {
		return nil
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// picturesDir is where "make benchmarks" draws, relative to the README.
const picturesDir = "testdata/bench"

// pictures are those that the README shows folded.
var pictures = []struct{ name, alt string }{
	{"bpc-alice29-txt", "Bits per byte along alice29.txt"},
	{"stages-alice29-txt", "The stages' shares of the time"},
	{"scaling-threads", "Speed against threads"},
	{"scaling-lanes", "Speed against lanes"},
	{"scaling-size", "Speed against the size of the input"},
}

// picture returns the Markdown of a picture, empty where it is not there.
func picture(dir, name, alt string) string {
	file := picturesDir + "/" + name + ".svg"
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
		return ""
	}
	return fmt.Sprintf("![%s](%s)\n\n", alt, file)
}
