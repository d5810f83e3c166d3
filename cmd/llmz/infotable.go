package main

import (
	"fmt"
	"strings"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/text"
)

// An infoTable lists archives, a line each, and their sum.
type infoTable struct {
	a     *app
	files int
	sum   infoObject
}

// infoColumns are the table's columns but the last, which has the names.
var infoColumns = []struct {
	head  string
	width int
	right bool
}{
	{"ORIGINAL", 15, true}, {"COMPRESSED", 15, true}, {"RATIO", 9, true}, {"BPC", 6, true}, {"MODEL", 12, false}, {"DECODES", 12, false},
}

func (t *infoTable) line(name string, cells ...string) {
	var b strings.Builder
	for i, c := range infoColumns {
		if c.right {
			b.WriteString(text.FitRight(cells[i], c.width) + "  ")
		} else {
			b.WriteString(text.Fit(cells[i], c.width) + "  ")
		}
	}
	text.Fprintf(t.a.out(), "%s%s\n", b.String(), name)
}

// add prints an archive's line.
func (t *infoTable) add(o infoObject) {
	if t.files == 0 {
		var heads []string
		for _, c := range infoColumns {
			heads = append(heads, c.head)
		}
		t.line("FILE", heads...)
	}
	t.files++
	t.sum.OriginalBytes += o.OriginalBytes
	t.sum.CompressedBytes += o.CompressedBytes
	t.line(filejob.DisplayName(o.File), t.figures(o, o.model, o.decodes)...)
}

// decodes says whether a member's model is on this machine.
func (m *memberObject) decodes() string {
	switch {
	case !m.ModelIsHere:
		return "no model"
	case m.Portability != "portable":
		return m.Portability
	}
	return "here"
}

func (t *infoTable) figures(o infoObject, model, decodes string) []string {
	o.settle()
	return []string{text.Count(o.OriginalBytes), text.Count(o.CompressedBytes), fmt.Sprintf("%.2fx", o.Ratio), fmt.Sprintf("%.3f", o.BPC), model, decodes}
}

// close prints the sum.
func (t *infoTable) close() {
	if t.files > 1 {
		t.line(fmt.Sprintf("%d files", t.files), t.figures(t.sum, "", "")...)
	}
}
