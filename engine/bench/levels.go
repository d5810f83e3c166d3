package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Level is a model and a mixer under the numbers that stand for them.
type Level struct {
	Numbers []int // ascending, at least one
	Model   string
	Rich    bool   // the rich mixer
	Repeats string // the model for content in which much comes again, empty for the same
}

// Ladder returns the table of the rows that are levels: what each is, and what it
// costs and gains, from the first level to the last.
func Ladder(rows []Row) *Table {
	t := newTable("", "Level", dataColumn, "Model", "Mixer", "Ratio (x)>", "BPC>", "Compression (B/s)>", "Decompression (B/s)>", "Memory>")
	order := map[string]int{}
	for i := range rows {
		if _, ok := order[rows[i].File]; !ok {
			order[rows[i].File] = len(order)
		}
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !r.isLevel() })
	slices.SortStableFunc(rows, func(a, b Row) int {
		if a.File != b.File {
			return order[a.File] - order[b.File]
		}
		return slices.Compare(a.Levels, b.Levels)
	})
	vary := varying(rows)
	// The columns beside say which mixer and which model.
	vary.rich = false
	for i := range rows {
		r := &rows[i]
		cells := []string{levelName(r.Levels), r.File, r.label(vary), r.mixer()}
		if r.Failed() {
			t.add(append(cells, failedCell+oneLine(r.Error), "-", "-", "-", "-")...)
			continue
		}
		t.add(append(cells, fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.3f", r.BPC),
			perSecond(r.CompressBytesPerSecond), perSecond(r.DecompressBytesPerSecond), size(r.PeakRSSBytes))...)
	}
	return t
}

// AllLevels tells whether all rows are levels.
func AllLevels(rows []Row) bool {
	return len(rows) > 0 && !slices.ContainsFunc(rows, func(r Row) bool { return !r.isLevel() })
}

// AnyLevels tells whether some rows are levels.
func AnyLevels(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.isLevel() })
}

// mixer names the row's mixer, "-" where it is not known. Little content is coded with the fast one even where
// the rich one was asked for.
func (r *Row) mixer() string {
	switch {
	case r.Rich:
		return "rich"
	case r.Mixer != "":
		return r.Mixer
	case r.Failed():
		return "-"
	}
	return "fast" // of a build that did not say
}

func (r *Row) isLevel() bool { return len(r.Levels) > 0 }

// levelName names levels as they are given: "-7", "-7 to -9" or "-2, -5".
func levelName(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i + 1
		for j < len(numbers) && numbers[j] == numbers[j-1]+1 {
			j++
		}
		part := "-" + strconv.Itoa(numbers[i])
		if j > i+1 {
			part += " to -" + strconv.Itoa(numbers[j-1])
		}
		parts = append(parts, part)
		i = j
	}
	return strings.Join(parts, ", ")
}

// levelList writes levels as --levels takes them: "7,8,9".
func levelList(numbers []int) string {
	var parts []string
	for _, n := range numbers {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ",")
}
