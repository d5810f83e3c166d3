package bench

import (
	"encoding/csv"
	"fmt"
	"io"
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

// WriteText writes the table for a terminal.
func (t *Table) WriteText(w io.Writer) error {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintln(&b, t.Title)
	}
	width := t.widths()
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteString("  ")
			}
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
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
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	line(rule)
	for _, r := range t.Rows {
		line(r)
	}
	for _, n := range t.Notes {
		fmt.Fprintln(&b, n)
	}
	_, err := io.WriteString(w, b.String())
	return err
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
		for _, c := range cells {
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
