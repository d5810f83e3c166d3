package bench

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Table is a heading and cells, ready to be written in any format.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	// Right tells which columns hold figures.
	Right []bool
	Notes []string
}

func newTable(title string, head ...string) *Table {
	t := &Table{Title: title, Right: make([]bool, len(head))}
	for i, h := range head {
		// A trailing > marks a column of figures.
		t.Right[i] = strings.HasSuffix(h, ">")
		t.Head = append(t.Head, strings.TrimSuffix(h, ">"))
	}
	return t
}

func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

// WriteText writes the table for a terminal of that width, 0 for any. One that
// does not fit is written file by file. Why a row failed is said below it.
func (t *Table) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintln(&b, t.Title)
	}
	shown := t.brief()
	columns := shown.widths()
	if width > 0 && lineWidth(columns) > width && len(t.Head) > 2 && t.Head[1] == dataColumn {
		shown.writeGroups(&b, columns)
	} else {
		shown.writeLines(&b, columns)
	}
	for _, n := range shown.Notes {
		fmt.Fprintln(&b, n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// dataColumn is the head of the column that tables are grouped by.
const dataColumn = "Data"

// brief returns the table with the reasons of failures as notes: in a column of
// figures they would push the others out of sight.
func (t *Table) brief() *Table {
	short := &Table{Head: t.Head, Right: t.Right}
	for _, r := range t.Rows {
		cells := slices.Clone(r)
		for i, c := range cells {
			if t.Right[i] {
				cells[i] = grouped(c)
			}
			if reason, ok := strings.CutPrefix(c, failedCell); ok && t.Right[i] {
				cells[i] = "failed"
				short.Notes = append(short.Notes, strings.Join(r[:min(i, 2)], " on ")+" failed: "+reason)
			}
		}
		short.Rows = append(short.Rows, cells)
	}
	short.Notes = append(short.Notes, t.Notes...)
	return short
}

// failedCell is what a row that failed has in place of its first figure, followed
// by the reason.
const failedCell = "failed: "

// writeGroups writes the rows of each file below its name.
func (t *Table) writeGroups(b *strings.Builder, columns []int) {
	without := func(cells []string) []string { return append([]string{cells[0]}, cells[2:]...) }
	for i := 0; i < len(t.Rows); {
		group := Table{Head: without(t.Head), Right: append([]bool{t.Right[0]}, t.Right[2:]...)}
		data := t.Rows[i][1]
		for ; i < len(t.Rows) && t.Rows[i][1] == data; i++ {
			group.Rows = append(group.Rows, without(t.Rows[i]))
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintln(b, data)
		group.writeLines(b, append([]int{columns[0]}, columns[2:]...))
	}
}

// writeLines writes head, rule and rows in columns of those widths.
func (t *Table) writeLines(b *strings.Builder, columns []int) {
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteString("  ")
			}
			gap := strings.Repeat(" ", columns[i]-utf8.RuneCountInString(c))
			switch {
			case t.Right[i]:
				b.WriteString(gap + c)
			case i < len(cells)-1:
				b.WriteString(c + gap)
			default:
				b.WriteString(c)
			}
		}
		b.WriteByte('\n')
	}
	line(t.Head)
	rule := make([]string, len(columns))
	for i, n := range columns {
		rule[i] = strings.Repeat("-", n)
	}
	line(rule)
	for _, r := range t.Rows {
		line(r)
	}
}

func lineWidth(columns []int) int {
	n := 2 * (len(columns) - 1)
	for _, c := range columns {
		n += c
	}
	return n
}

func (t *Table) widths() []int {
	width := make([]int, len(t.Head))
	for _, r := range append([][]string{t.Head}, t.Rows...) {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	return width
}

// WriteMarkdown writes the table in GitHub's Markdown.
func (t *Table) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "%s\n\n", t.Title)
	}
	line := func(cells []string) {
		for i, c := range cells {
			if t.Right[i] {
				c = grouped(c)
			}
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(c, "|", `\|`))
		}
		b.WriteString("|\n")
	}
	line(t.Head)
	for _, right := range t.Right {
		if right {
			b.WriteString("|---:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, r := range t.Rows {
		line(r)
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteCSV writes the table's cells as CSV (RFC 4180), without title and notes.
func (t *Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(t.Head); err != nil {
		return err
	}
	if err := c.WriteAll(t.Rows); err != nil {
		return err
	}
	return c.Error()
}
