package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A baseline is a row of the results that llmz set out to beat: those of the
// student's prototype that the project began with.
type baseline struct {
	model, data string // as the prototype has them
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

var baselines = []baseline{
	{"LSTM (10 epochs)", "small", 25121.45, 25530.53, 1.58, 5.07, "lstm", smallFile, ""},
	{"GRU (1 epoch)", "small, seen in training", 5901.51, 5840.39, 3.96, 2.02, "gru", smallFile, "not seen in training here"},
	{"GRU", "all_canterbury, 18,521,760 B", 5931.78, 5840.65, 1.84, 4.35, "gru", wholeFile, "without E.coli, which was not to be had: 13,883,070 B"},
	{"GRU", "250 lines of a book, 10,846 B", 5794.42, 5836.60, 2.89, 2.77, "gru", smallFile, ""},
	{"GPT-2", "the same 10,846 B", 432.59, 423.16, 4.75, 1.68, "gpt2", smallFile, "weights not at hand"},
	{"DistilGPT-2", "the same 10,846 B", 746.24, 803.80, 4.20, 1.90, "distilgpt2", smallFile, "weights not at hand"},
	{"ZIP level 9", "the same 10,846 B", 17902959.93, 0, 2.09, 3.83, "zip-9", smallFile, "as a complete archive, directory included"},
}

// Against returns the prototype's table with our rows beside it.
func Against(rows []Row) *Table {
	t := newTable("", "The prototype's model", "Data", "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>",
		"llmz", "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>", "Remark")
	for _, n := range baselines {
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

// find returns the first good row about a whole file, mixed and with the model's own
// choice of lanes, nil for none.
func find(rows []Row, model, file string) *Row {
	for i := range rows {
		r := &rows[i]
		if !r.Failed() && r.Model == model && r.File == file && r.LanesAsked == 0 && r.Limit == 0 && !r.NoMix && !r.Rich {
			return r
		}
	}
	return nil
}

// Section writes the page about measurements: the prototype's table beside
// ours, sizes at a glance, what was not measured, and everything else folded. The function link
// returns where a file that "make benchmarks" wrote is, empty where there is none.
func Section(w io.Writer, rows []Row, link func(name string) string) error {
	if len(rows) == 0 {
		return errNoRows
	}
	picture := func(name, alt string) string { return markdownPicture(link, name, alt) }
	var b strings.Builder
	title := func(s string) { fmt.Fprintf(&b, "## %s\n\n", s) }
	table := func(t *Table) {
		t.Title = ""
		_ = t.WriteMarkdown(&b) // a Builder takes everything
		b.WriteByte('\n')
	}
	fold := func(summary string, tables ...*Table) {
		fmt.Fprintf(&b, "<details><summary>%s</summary>\n\n", summary)
		for _, t := range tables {
			if t.Title != "" {
				fmt.Fprintf(&b, "%s:\n\n", t.Title)
			}
			table(t)
		}
		b.WriteString("</details>\n\n")
	}
	main := plain(rows)

	title("The prototype's table, and ours")
	b.WriteString("llmz began with a student's prototype: an LSTM, a GRU and GPT-2 before an arithmetic coder, one symbol at a time.\n" +
		"Its figures are the baseline.\n\n")
	table(Against(rows))
	b.WriteString(measuredOn(rows))

	title("Bits per byte at a glance")
	table(Glance(main))
	b.WriteString("The archive counts, the model, which is part of the program, does not: on small files a model that was trained beforehand\n" +
		"has a large lead. `none` is context mixing alone; names with options are programs, those with dashes Go libraries.\n" +
		"No model has learned from fresh.txt, which was written for this, and none is of use on a rot13 control.\n\n")
	b.WriteString(picture("speed-ratio-alice29-txt", "Ratio against speed on alice29.txt"))

	title("Not measured")
	for _, s := range NotMeasured(rows) {
		fmt.Fprintf(&b, "- %s\n", s)
	}
	b.WriteByte('\n')

	title("File by file")
	for _, file := range files(main) {
		of := bySize(ofFile(main, file))
		fold(fmt.Sprintf("%s, %s B: speed, size with the model, waiting, memory", file, thousands(of[0].OriginalBytes)), FileTable(of))
	}
	if d := Devices(rows); len(d) > 0 {
		fold("By device and kernel", d...)
	}
	if notes := Notes(main); len(notes) > 0 {
		b.WriteString("<details><summary>What the compressors are</summary>\n\n")
		for _, n := range notes {
			fmt.Fprintf(&b, "- %s\n", n)
		}
		b.WriteString("\n</details>\n\n")
	}
	var more strings.Builder
	for _, p := range pictures {
		more.WriteString(picture(p.name, p.alt))
	}
	if more.Len() > 0 {
		fmt.Fprintf(&b, "<details><summary>More pictures: along the file, stages, threads, lanes, sizes</summary>\n\n%s</details>\n\n", &more)
	}
	fmt.Fprintf(&b, "[tables.md](%s) has the spread of the runs and the command of every row, the `.jsonl` files beside it everything.\n\n", link("tables.md"))
	_, err := io.WriteString(w, strings.TrimSuffix(b.String(), "\n"))
	return err
}

// commits names the commits that the rows were measured at, in the rows' order.
func commits(rows []Row) string {
	var all []string
	for i := range rows {
		if c := shortCommit(rows[i].Commit); c != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return orElse(strings.Join(all, " and "), "unknown")
}

// measuredOn says where and when the rows were measured.
func measuredOn(rows []Row) string {
	h := rows[len(rows)-1].Host
	checked := "every archive was decoded and compared"
	if err := Check(rows); err != nil {
		checked = err.Error()
	}
	text := fmt.Sprintf("Measured on %s, at commit %s, on %s. Speeds are medians; %s.\n\n",
		orElse(h.Machine, "an unnamed machine"), commits(rows), orElse(strings.SplitN(h.Date, "T", 2)[0], "an unknown day"), checked)
	if busy := typicalBusyness(rows); busy > 1.5 {
		text += fmt.Sprintf("**The machine was busy with other work: about %.0f processes wanted each core. Sizes are exact, speeds lower than on a quiet machine.**\n\n", busy)
	}
	return text
}

// plain returns the rows about whole files and controls with default lanes, of
// each compressor the first one: what the main table is to show.
func plain(rows []Row) []Row {
	var out []Row
	for _, r := range rows {
		if r.LanesAsked != 0 || r.Limit != 0 {
			continue
		}
		same := func(o Row) bool {
			return o.Model == r.Model && o.Kind == r.Kind && o.File == r.File && o.NoMix == r.NoMix && o.Rich == r.Rich
		}
		if !slices.ContainsFunc(out, same) {
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
