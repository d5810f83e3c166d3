package bench

import (
	"bufio"
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

// ReadJSON reads what WriteJSON wrote. Objects that are not rows are skipped.
func ReadJSON(r io.Reader) ([]Row, error) {
	dec := json.NewDecoder(bufio.NewReader(r))
	var rows []Row
	for {
		var row Row
		err := dec.Decode(&row)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", len(rows)+1, err)
		}
		if row.Op == "bench" {
			rows = append(rows, row)
		}
	}
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
