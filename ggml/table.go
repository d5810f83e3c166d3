package ggml

import "fmt"

// Table holds rows of float32 values that are looked up by number. It is immutable
// and may be shared by graphs; back ends on the CPU read it as it is.
type Table struct {
	Rows, Cols, Groups int
	Values             []float32 // row after row
}

// NewTable describes a table of rows x cols values, row after row, which are kept.
// Groups is as in Matrix, for the columns.
func NewTable(v []float32, rows, cols, groups int) (*Table, error) {
	if rows < 1 || cols < 1 || groups < 1 || cols%groups != 0 || len(v) != rows*cols {
		return nil, fmt.Errorf("ggml: table of %d x %d in %d groups with %d values", rows, cols, groups, len(v))
	}
	return &Table{Rows: rows, Cols: cols, Groups: groups, Values: v}, nil
}

// Bytes returns the memory the table takes.
func (t *Table) Bytes() int64 { return 4 * int64(len(t.Values)) }
