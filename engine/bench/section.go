package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A note is a row of the results that llmz set out to reproduce: those of the
// notes on compression with language models that the project began with.
type note struct {
	model, data string // as the notes have them
	compress    float64
	decompress  float64 // 0: not given
	ratio, bpc  float64
	// ours and file name the row of ours that stands beside it, empty for none.
	ours, file string
	// why says what is different, or why there is no row.
	why string
}

const (
	smallFile = "canterbury_small.bin"
	wholeFile = "all13"
)

var notes = []note{
	{"LSTM (10 epochs)", "small", 25121.45, 25530.53, 1.58, 5.07, "lstm", smallFile, ""},
	{"GRU (1 epoch)", "small, seen in training", 5901.51, 5840.39, 3.96, 2.02, "gru", smallFile, "not seen in training here"},
	{"GRU", "all_canterbury, 18,521,760 B", 5931.78, 5840.65, 1.84, 4.35, "gru", wholeFile, "without E.coli, which was not to be had: 13,883,070 B"},
	{"GRU", "250 lines of a book, 10,846 B", 5794.42, 5836.60, 2.89, 2.77, "gru", smallFile, ""},
	{"GPT-2", "the same 10,846 B", 432.59, 423.16, 4.75, 1.68, "gpt2", smallFile, "weights not at hand"},
	{"DistilGPT-2", "the same 10,846 B", 746.24, 803.80, 4.20, 1.90, "distilgpt2", smallFile, "weights not at hand"},
	{"ZIP level 9", "the same 10,846 B", 17902959.93, 0, 2.09, 3.83, "zip-9", smallFile, "as a complete archive, directory included"},
}

// Against returns the notes' table with our rows beside it.
func Against(rows []Row) *Table {
	t := newTable("", "The notes' model", "Data", "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>",
		"llmz", "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>", "")
	for _, n := range notes {
		cells := []string{n.model, n.data, fmt.Sprintf("%.0f", n.compress), "-", fmt.Sprintf("%.2f", n.ratio), fmt.Sprintf("%.2f", n.bpc)}
		if n.decompress > 0 {
			cells[3] = fmt.Sprintf("%.0f", n.decompress)
		}
		if r := find(rows, n.ours, n.file); r != nil {
			why := n.why
			if n.ours == "gpt2" || n.ours == "distilgpt2" {
				why = ""
			}
			cells = append(cells, r.Model, fmt.Sprintf("%.0f", r.CompressBytesPerSecond), fmt.Sprintf("%.0f", r.DecompressBytesPerSecond),
				fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.2f", r.BPC), why)
		} else {
			why := orElse(n.why, "not part of this run")
			if n.file == wholeFile {
				why = "not part of this run"
			}
			cells = append(cells, n.ours, "-", "-", "-", "-", "not measured: "+why)
		}
		t.add(cells...)
	}
	return t
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// find returns the first good row about a whole file with the model's own choice
// of lanes, nil for none.
func find(rows []Row, model, file string) *Row {
	for i := range rows {
		r := &rows[i]
		if r.Failed() || r.Model != model || r.File != file || r.LanesAsked != 0 || r.Limit != 0 {
			continue
		}
		return r
	}
	return nil
}

// Section writes the README's part about measurements: where and when, the
// notes' table beside ours, the main table, the devices, the details.
func Section(w io.Writer, rows []Row) error {
	if len(rows) == 0 {
		return fmt.Errorf("no rows to write about")
	}
	var b strings.Builder
	h := rows[len(rows)-1].Host
	fmt.Fprintf(&b, "Measured on %s, at commit %s, on %s; speeds are medians.\n\n",
		orElse(h.Machine, "an unnamed machine"), orElse(shortCommit(h.Commit), "unknown"), orElse(strings.SplitN(h.Date, "T", 2)[0], "an unknown day"))

	if busy := typicalBusyness(rows); busy > 1.5 {
		fmt.Fprintf(&b, "**The machine was busy with other work: about %.0f processes wanted each core. Sizes are exact, speeds lower than on a quiet machine.**\n\n", busy)
	}

	main := plain(rows)
	section := func(title string, t *Table) {
		fmt.Fprintf(&b, "#### %s\n\n", title)
		_ = t.WriteMarkdown(&b) // a Builder takes everything
		b.WriteByte('\n')
	}
	section("The notes' table, and ours", Against(rows))
	section("Models and classic compressors", Results(main))
	for _, t := range Devices(rows) {
		title := t.Title
		t.Title = ""
		section(title, t)
	}
	b.WriteString("<details><summary>Sizes with the model counted, spread, load time, first byte, memory</summary>\n\n")
	_ = Details(main).WriteMarkdown(&b)
	b.WriteString("\n</details>\n\n<details><summary>The command of each row</summary>\n\n")
	_ = Commands(main).WriteMarkdown(&b)
	b.WriteString("\n</details>\n")
	if notes := Notes(main); len(notes) > 0 {
		b.WriteByte('\n')
		for _, n := range notes {
			fmt.Fprintf(&b, "- %s\n", n)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plain returns the rows about whole files and controls with default lanes, of
// each compressor the first one: what the main table is to show.
func plain(rows []Row) []Row {
	var out []Row
	for _, r := range rows {
		if r.LanesAsked != 0 || r.Limit != 0 {
			continue
		}
		i := slices.IndexFunc(out, func(o Row) bool { return o.Model == r.Model && o.Kind == r.Kind && o.File == r.File })
		if i < 0 {
			out = append(out, r)
		}
	}
	return out
}

// typicalBusyness returns the median of the rows' Busy.
func typicalBusyness(rows []Row) float64 {
	var all []float64
	for i := range rows {
		all = append(all, rows[i].Busy)
	}
	return Summarize(all).Median
}

func shortCommit(c string) string { return c[:min(len(c), 12)] }
