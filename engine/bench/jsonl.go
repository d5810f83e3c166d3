package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/llmz/llmz/engine/ctxio"
)

// WriteJSON writes the rows as JSON, one object per line.
func WriteJSON(w io.Writer, rows []Row) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range rows {
		if err := enc.Encode(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// The longest line and the most rows that ReadJSON takes.
const (
	maxLine = 1 << 20
	maxRows = 100_000
)

// ReadJSON reads what WriteJSON wrote. Objects that are not rows are skipped.
func ReadJSON(r io.Reader) ([]Row, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var rows []Row
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var row Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if row.Op != "bench" {
			continue
		}
		if rows = append(rows, row); len(rows) > maxRows {
			return nil, fmt.Errorf("more than %d rows", maxRows)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after %d rows: %w", len(rows), err)
	}
	return rows, nil
}

// ReadFile reads the rows of an earlier run. A file without any is an error.
func ReadFile(ctx context.Context, path string) ([]Row, error) {
	f, err := ctxio.OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := ReadJSON(f)
	if err == nil && len(rows) == 0 {
		err = errors.New("no rows of a benchmark in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}
