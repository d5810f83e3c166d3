package main

import (
	"fmt"
	"strings"

	"github.com/llmz/llmz/engine/filejob"
	"github.com/llmz/llmz/tui/text"
)

// An infoTable lists archives, a line each, and their sum. It is printed when all are
// known, so that its columns are as wide as they need to be.
type infoTable struct {
	a     *app
	lines [][]string
	sum   infoObject
}

// infoHead names the columns; those before the first left one have figures.
var infoHead = []string{"ORIGINAL", "COMPRESSED", "RATIO", "BPC", "MODEL", "DECODES", "FILE"}

const firstLeft = 4

// add takes an archive in.
func (t *infoTable) add(o infoObject) {
	t.sum.OriginalBytes += o.OriginalBytes
	t.sum.CompressedBytes += o.CompressedBytes
	t.lines = append(t.lines, infoLine(o, o.model, o.decodes, filejob.DisplayName(o.File)))
}

// decodes says where a member decodes, or that its model is not on this machine.
func (m *memberObject) decodes() string {
	switch {
	case !m.ModelIsHere:
		return "no model"
	case m.Portability != "portable":
		return m.Portability
	}
	return "anywhere"
}

func infoLine(o infoObject, model, decodes, name string) []string {
	o.settle()
	return []string{text.Count(o.OriginalBytes), text.Count(o.CompressedBytes), fmt.Sprintf("%.2fx", o.Ratio), fmt.Sprintf("%.3f", o.BPC),
		text.Cut(text.Clean(model), 20), decodes, name}
}

// print writes the table, and the sum of several archives.
func (t *infoTable) print() {
	if len(t.lines) == 0 {
		return
	}
	all := append([][]string{infoHead}, t.lines...)
	if n := len(t.lines); n > 1 {
		all = append(all, infoLine(t.sum, "", "", fmt.Sprintf("%d files", n)))
	}
	widths := make([]int, len(infoHead)-1) // names may be as long as they are
	for _, l := range all {
		for i := range widths {
			widths[i] = max(widths[i], text.Width(l[i]))
		}
	}
	for _, l := range all {
		var b strings.Builder
		for i, w := range widths {
			if i < firstLeft {
				b.WriteString(text.FitRight(l[i], w) + "  ")
			} else {
				b.WriteString(text.Fit(l[i], w) + "  ")
			}
		}
		text.Fprintf(t.a.out(), "%s%s\n", b.String(), l[len(widths)])
	}
}
