package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
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
	b.WriteString("\n")
	b.Write(old[to:])
	if bytes.Equal(b.Bytes(), old) {
		return nil
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
