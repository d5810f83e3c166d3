package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// files returns the names of the rows' files, in their order.
func files(rows []Row) []string {
	var names []string
	for i := range rows {
		if !slices.Contains(names, rows[i].File) {
			names = append(names, rows[i].File)
		}
	}
	return names
}

func ofFile(rows []Row, file string) []Row {
	var of []Row
	for _, r := range rows {
		if r.File == file {
			of = append(of, r)
		}
	}
	return of
}

// bySize returns the rows sorted by the archives' size, failed ones last.
func bySize(rows []Row) []Row {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int {
		if a.Failed() || b.Failed() {
			return cmp.Compare(index(a.Failed()), index(b.Failed()))
		}
		return cmp.Compare(a.CompressedBytes, b.CompressedBytes)
	})
	return sorted
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Glance returns the table of bits per byte, a row for each compressor and a
// column for each file, the best on the files that all were measured on first.
func Glance(rows []Row) *Table {
	names := files(rows)
	head := []string{"Model"}
	for _, f := range names {
		head = append(head, fmt.Sprintf("%s, %s B>", f, thousands(ofFile(rows, f)[0].OriginalBytes)))
	}
	type line struct {
		label string
		bpc   map[string]float64
		cells map[string]string
	}
	var lines []*line
	vary := varying(rows)
	vary.where, vary.threads, vary.lanes = false, false, false
	at := make(map[string]*line)
	for i := range rows {
		r := &rows[i]
		label := r.label(vary)
		l := at[label]
		if l == nil {
			l = &line{label: label, bpc: make(map[string]float64), cells: make(map[string]string)}
			lines, at[label] = append(lines, l), l
		}
		if l.cells[r.File] = "failed"; !r.Failed() {
			l.cells[r.File], l.bpc[r.File] = fmt.Sprintf("%.3f", r.BPC), r.BPC
		}
	}
	var common []string
	for _, f := range names {
		if !slices.ContainsFunc(lines, func(l *line) bool { return l.bpc[f] == 0 }) {
			common = append(common, f)
		}
	}
	mean := func(l *line) (sum float64) {
		for _, f := range common {
			sum += l.bpc[f]
		}
		return sum
	}
	slices.SortStableFunc(lines, func(a, b *line) int { return cmp.Compare(mean(a), mean(b)) })
	t := newTable("", head...)
	for _, l := range lines {
		cells := []string{l.label}
		for _, f := range names {
			cells = append(cells, orElse(l.cells[f], "-"))
		}
		t.add(cells...)
	}
	return t
}

// FileTable returns the table of one file's rows, those of its bare models
// included.
func FileTable(rows []Row) *Table {
	t := newTable("", "Model", "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>", "Size with model (B)>", "Load>", "First byte>", "Memory>")
	vary := varying(rows)
	for i := range rows {
		r := &rows[i]
		if r.Failed() {
			t.add(r.label(vary), failedCell+oneLine(r.Error), "-", "-", "-", "-", "-", "-", "-")
			continue
		}
		t.add(r.label(vary), fmt.Sprintf("%.0f", r.CompressBytesPerSecond), fmt.Sprintf("%.0f", r.DecompressBytesPerSecond), fmt.Sprintf("%.2f", r.Ratio),
			fmt.Sprintf("%.3f", r.BPC), thousands(r.WithModelBytes), load(r), seconds(r.FirstByteSeconds), size(r.PeakRSSBytes))
	}
	return t
}

// NotMeasured says what the rows do not show, and why.
func NotMeasured(rows []Row) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if find(rows, "gpt2", smallFile) == nil || find(rows, "distilgpt2", smallFile) == nil {
		say("GPT-2 and DistilGPT-2: their weights were not at hand where this was measured. `llmz models pull gpt2` gets them, `llmz bench -m gpt2` measures them.")
	}
	if find(rows, "gru", wholeFile) == nil {
		say("All of the Canterbury files in one, 13.9 MB: they take half an hour, and were left out this time. `make benchmarks` measures them where they lie in `../shared/corpora`.")
	}
	say("The prototype's all_canterbury as it was, 18,521,760 B: its large/E.coli was not to be had.")
	where := make(map[string]bool)
	for i := range rows {
		if r := &rows[i]; r.Kind == KindModel && !r.Failed() {
			where[r.Device] = true
		}
	}
	if len(where) == 1 && where["cpu"] {
		say("GPUs, the prototype's MPS and CUDA rows: only models in llama.cpp can use one; the bundled models run on the CPU.")
	}
	var missing []string
	for _, p := range Peers() {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Kind == KindPeer && !r.Failed() && r.Model == p.Name }) {
			missing = append(missing, p.Name)
		}
	}
	// 7-Zip has two names; one is enough.
	missing = slices.DeleteFunc(missing, func(n string) bool {
		return strings.HasSuffix(n, "PPMd") && slices.ContainsFunc(rows, func(r Row) bool { return strings.HasSuffix(r.Model, "PPMd") })
	})
	if len(missing) > 0 {
		say("Programs that were not on the machine: %s.", strings.Join(missing, ", "))
	}
	emulated := ""
	if strings.HasSuffix(rows[len(rows)-1].Machine, "amd64") {
		emulated = "; arm64 was only emulated, where speeds mean nothing"
	}
	say("Speed on other processors than the one named above%s. That their archives are the same: [determinism](determinism.md).", emulated)
	return all
}
