package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Runner measures cases one after the other.
type Runner struct {
	// Measure measures one case and always returns a row. Process.Measure gives each
	// case a process of its own; a closure over Measure does it in this one.
	Measure func(ctx context.Context, c Case) Row
	// Host is written into each row, with the date.
	Host Host
	// Begin and Done, where set, are called before and after each case.
	Begin func(i, n int, c Case)
	Done  func(i, n int, r Row)
}

// Run measures the cases and returns their rows. When ctx ends it returns the
// rows so far, the one that was under way marked as interrupted, and the
// context's error.
func (r *Runner) Run(ctx context.Context, cases []Case) ([]Row, error) {
	var rows []Row
	for i, c := range cases {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		if r.Begin != nil {
			r.Begin(i, len(cases), c)
		}
		busy := busyness()
		row := r.Measure(ctx, c)
		row.Host = r.Host
		row.Busy = busy
		row.agree(rows)
		row.Date = time.Now().UTC().Format(time.RFC3339)
		rows = append(rows, row)
		if r.Done != nil {
			r.Done(i, len(cases), row)
		}
	}
	return rows, ctx.Err()
}

// ErrFailed means that some rows failed.
var ErrFailed = errors.New("some compressors failed")

// Check returns an error that wraps ErrFailed if a row failed.
func Check(rows []Row) error {
	n := 0
	first := ""
	for i := range rows {
		if rows[i].Failed() {
			if n++; n == 1 {
				first = rows[i].Model + " on " + rows[i].File + ": " + rows[i].Error
			}
		}
	}
	if n == 0 {
		return nil
	}
	return &failedError{n, len(rows), first}
}

// failedError counts the rows that failed. It is an ErrFailed.
type failedError struct {
	n, of int
	first string
}

func (e *failedError) Error() string {
	return fmt.Sprintf("%d of %d rows failed (%s)", e.n, e.of, e.first)
}

func (e *failedError) Is(target error) bool { return target == ErrFailed }
