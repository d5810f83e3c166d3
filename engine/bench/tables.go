package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Results returns the main table: how fast and how small. A row that failed
// says why in place of its figures.
func Results(rows []Row) *Table {
	t := newTable("", "Model", "Data", "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>")
	vary := varying(rows)
	for i := range rows {
		r := &rows[i]
		if r.Failed() {
			t.add(r.label(vary), r.File, "failed: "+oneLine(r.Error), "-", "-", "-")
			continue
		}
		t.add(r.label(vary), r.File,
			fmt.Sprintf("%.2f", r.CompressBytesPerSecond), fmt.Sprintf("%.2f", r.DecompressBytesPerSecond),
			fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.2f", r.BPC))
	}
	return t
}

// Devices returns one table per model and file of what the devices and kernels
// make of it, for those that were measured on more than one.
func Devices(rows []Row) []*Table {
	type key struct{ model, file string }
	var keys []key
	groups := make(map[key][]*Row)
	for i := range rows {
		r := &rows[i]
		if r.Kind != KindModel {
			continue
		}
		k := key{r.Model, r.File}
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], r)
	}
	var tables []*Table
	for _, k := range keys {
		places := make(map[string]bool)
		for _, r := range groups[k] {
			places[r.Where()] = true
		}
		if len(places) < 2 {
			continue
		}
		t := newTable(fmt.Sprintf("%s on %s by device", k.model, k.file),
			"Device", "Compression (B/s)>", "Decompression (B/s)>", "model_infer %>")
		for _, r := range groups[k] {
			if r.Failed() {
				t.add(r.Where(), "failed: "+oneLine(r.Error), "-", "-")
				continue
			}
			share := "-"
			if s, ok := InferShare(r.Profile); ok {
				share = fmt.Sprintf("%.1f", 100*s)
			}
			t.add(r.Where(), fmt.Sprintf("%.2f", r.CompressBytesPerSecond), fmt.Sprintf("%.2f", r.DecompressBytesPerSecond), share)
		}
		tables = append(tables, t)
	}
	return tables
}

// Details returns the table behind the main one: sizes with the model counted,
// times with their spread, load and first byte apart, memory, verification.
func Details(rows []Row) *Table {
	t := newTable("", "Model", "Data", "Size (B)>", "With model (B)>", "Compress, mean ± sd (runs)>", "Decompress, mean ± sd (runs)>",
		"Load>", "First byte>", "Peak memory>", "Threads>", "Lanes>", "Verified")
	vary := varying(rows)
	var outliers bool
	for i := range rows {
		r := &rows[i]
		if r.Failed() {
			t.add(r.label(vary), r.File, "failed", "-", "-", "-", "-", "-", "-", "-", "-", "no")
			continue
		}
		outliers = outliers || r.Compress.Outliers+r.Decompress.Outliers > 0
		t.add(r.label(vary), r.File, thousands(r.CompressedBytes), thousands(r.WithModelBytes),
			spread(r.Compress), spread(r.Decompress), load(r), seconds(r.FirstByteSeconds),
			size(r.PeakRSSBytes), strconv.Itoa(r.Threads), lanes(r.Lanes), yesNo(r.Verified))
	}
	if outliers {
		t.Notes = append(t.Notes, "! some runs lie far from the others: something else was running; speeds are medians.")
	}
	return t
}

// Commands returns the table of the commands that reproduce each row.
func Commands(rows []Row) *Table {
	t := newTable("", "Model", "Data", "Command")
	for i := range rows {
		t.add(rows[i].label(varying(rows)), rows[i].File, rows[i].Command)
	}
	return t
}

// Notes returns what a reader should know about the compressors of the rows,
// each said once.
func Notes(rows []Row) []string {
	var notes []string
	for i := range rows {
		if rows[i].Note == "" || rows[i].Kind == KindPeer {
			continue
		}
		n := rows[i].Model + ": " + rows[i].Note
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	return notes
}

// variation tells what else than model and file differs between rows, and so
// has to be part of their label.
type variation struct{ where, threads, lanes bool }

func varying(rows []Row) variation {
	var v variation
	var first *Row
	for i := range rows {
		r := &rows[i]
		if r.Kind != KindModel || r.Failed() {
			continue
		}
		if first == nil {
			first = r
			continue
		}
		v.where = v.where || r.Device != first.Device || r.Model == first.Model && r.Kernel != first.Kernel
		v.threads = v.threads || r.Threads != first.Threads
		v.lanes = v.lanes || r.LanesAsked != first.LanesAsked
	}
	return v
}

func (r *Row) label(v variation) string {
	if r.Kind != KindModel {
		return r.Model
	}
	var more []string
	if v.where && r.Where() != "" {
		more = append(more, r.Where())
	}
	if v.threads && r.Threads > 0 {
		more = append(more, plural(r.Threads, "thread"))
	}
	if v.lanes {
		if r.LanesAsked == 0 {
			more = append(more, "auto lanes")
		} else {
			more = append(more, plural(r.LanesAsked, "lane"))
		}
	}
	if len(more) == 0 {
		return r.Model
	}
	return r.Model + " (" + strings.Join(more, ", ") + ")"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// load returns the load time of a row's model, if it has one.
func load(r *Row) string {
	if r.ModelSHA256 == "" {
		return "-"
	}
	return seconds(r.LoadSeconds)
}

func lanes(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
