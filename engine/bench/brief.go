package bench

import (
	"fmt"
	"io"
	"strings"
)

// summaryFile is the file that the summary is about.
const summaryFile = "alice29.txt"

// summaryRows are those of the summary: a compressor under each of its names, of
// which the first that was measured is shown.
var summaryRows = []struct {
	models []string
	label  string
}{
	{[]string{"gru"}, "**llmz** (default: `-m gru`)"},
	{[]string{"lstm"}, "**llmz `-m lstm`**"},
	{[]string{"none"}, "**llmz `-m none`** (no network)"},
	{[]string{"zpaq -m5"}, "zpaq -m5"},
	{[]string{"xz -9e", "xz -9"}, ""},
	{[]string{"zstd -19"}, "zstd -19"},
}

// Brief writes the few lines that the README has about measurements: a table of
// one file, and where and when it was measured.
func Brief(w io.Writer, rows []Row, _ func(string) string) error {
	if len(rows) == 0 {
		return errNoRows
	}
	var size int64
	h := rows[len(rows)-1].Host
	t := newTable("", summaryFile, "Size>", "Ratio>", "Compression>", "Decompression>")
	for _, s := range summaryRows {
		cells := []string{s.label, "not measured", "", "", ""}
		for _, m := range s.models {
			r := find(rows, m, summaryFile)
			if r == nil {
				continue
			}
			size, h = r.OriginalBytes, r.Host
			cells = []string{orElse(s.label, m), thousands(r.CompressedBytes), fmt.Sprintf("%.2f", r.Ratio),
				speed(r.CompressBytesPerSecond), speed(r.DecompressBytesPerSecond)}
			break
		}
		t.add(cells...)
	}
	t.Head[0] = fmt.Sprintf("%s, %s bytes", summaryFile, thousands(size))
	var b strings.Builder
	_ = t.WriteMarkdown(&b) // a Builder takes everything
	fmt.Fprintf(&b, "\nMeasured on %s, at commit %s.\n", orElse(h.Machine, "an unnamed machine"), orElse(shortCommit(h.Commit), "unknown"))
	_, err := io.WriteString(w, b.String())
	return err
}
