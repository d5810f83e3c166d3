package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Results returns the main table: how fast and how small, the smallest of a file
// first. A row that failed comes last and says why in place of its figures.
func Results(rows []Row) *Table {
	t := newTable("", "Model", dataColumn, "Compression (B/s)>", "Decompression (B/s)>", "Ratio (x)>", "BPC>")
	vary := varying(rows)
	rows = ranked(rows)
	for i := range rows {
		r := &rows[i]
		if r.Failed() {
			t.add(r.label(vary), r.File, failedCell+oneLine(r.Error), "-", "-", "-")
			continue
		}
		t.add(r.label(vary), r.File,
			perSecond(r.CompressBytesPerSecond), perSecond(r.DecompressBytesPerSecond),
			fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.2f", r.BPC))
	}
	return t
}

// ranked returns rows by file, in the order in which those first appear, and then by
// size; rows that failed come last of their file.
func ranked(rows []Row) []Row {
	order := map[string]int{}
	for i := range rows {
		if _, ok := order[rows[i].File]; !ok {
			order[rows[i].File] = len(order)
		}
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int {
		failed := func(r *Row) int {
			if r.Failed() {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(failed(&a), failed(&b)), cmp.Compare(a.BPC, b.BPC))
	})
	return rows
}

// Devices returns one table per model and file of what the devices and kernels
// make of it, for those that were measured on more than one.
func Devices(rows []Row) []*Table {
	var tables []*Table
	for _, g := range byDevice(rows) {
		t := newTable(fmt.Sprintf("%s on %s by device", g[0].Model, g[0].File), deviceHead...)
		for _, cells := range deviceCells(g) {
			t.add(cells...)
		}
		tables = append(tables, t)
	}
	return tables
}

// AllDevices returns the rows of all tables of Devices in one.
func AllDevices(rows []Row) *Table {
	t := newTable("", append([]string{"Model", dataColumn}, deviceHead...)...)
	for _, g := range byDevice(rows) {
		for _, cells := range deviceCells(g) {
			t.add(append([]string{g[0].Model, g[0].File}, cells...)...)
		}
	}
	return t
}

var deviceHead = []string{"Device", "Compression (B/s)>", "Decompression (B/s)>", "model_infer %>"}

// deviceCells returns the cells of a group of byDevice.
func deviceCells(group []*Row) [][]string {
	var all [][]string
	vary := slices.ContainsFunc(group, func(r *Row) bool { return r.AskedThreads() > 0 && r.AskedThreads() != group[0].AskedThreads() })
	for _, r := range group {
		where := r.Where()
		if vary && r.AskedThreads() > 0 {
			where += ", " + plural(r.AskedThreads(), "thread")
		}
		if r.Failed() {
			all = append(all, []string{where, failedCell + oneLine(r.Error), "-", "-"})
			continue
		}
		share := "-"
		if s, ok := InferShare(r.Profile); ok {
			share = fmt.Sprintf("%.1f", 100*s)
		}
		all = append(all, []string{where, perSecond(r.CompressBytesPerSecond), perSecond(r.DecompressBytesPerSecond), share})
	}
	return all
}

// byDevice groups the rows of a model and a file, if more than one device or
// kernel is among them. Of rows that were measured twice it keeps the later one.
func byDevice(rows []Row) [][]*Row {
	type key struct {
		model, file string
		lanes       int
		noMix, rich bool
	}
	all := groupRows(rows, func(r *Row) (key, bool) {
		return key{r.Model, r.File, r.LanesAsked, r.NoMix, r.Rich}, r.Kind == KindModel
	}, func(a, b *Row) bool { return a.Where() == b.Where() && a.AskedThreads() == b.AskedThreads() })
	return slices.DeleteFunc(all, func(group []*Row) bool {
		return !slices.ContainsFunc(group, func(r *Row) bool { return r.Where() != group[0].Where() })
	})
}

// groupRows groups the rows that have a key, in the order in which keys and rows come. Of rows of
// a group that are the same it keeps the later one, in the place of the earlier.
func groupRows[K comparable](rows []Row, key func(*Row) (K, bool), same func(a, b *Row) bool) [][]*Row {
	var all [][]*Row
	at := make(map[K]int) // in all
	for i := range rows {
		r := &rows[i]
		k, ok := key(r)
		if !ok {
			continue
		}
		g, ok := at[k]
		if !ok {
			g = len(all)
			at[k] = g
			all = append(all, nil)
		}
		if j := slices.IndexFunc(all[g], func(o *Row) bool { return same(o, r) }); j >= 0 {
			all[g][j] = r
		} else {
			all[g] = append(all[g], r)
		}
	}
	return all
}

// Details returns the tables behind the main one: sizes with the model counted,
// load and first byte apart, memory; and times with their spread.
func Details(rows []Row) []*Table {
	sizes := newTable("Sizes, memory and waiting", "Model", dataColumn, "Size (B)>", "With model>", "Load>", "1st byte>", "Memory>", "Verified")
	times := newTable("Mean ± standard deviation (runs)", "Model", dataColumn, "Compress>", "Decompress>", "Threads>", "Lanes>")
	vary := varying(rows)
	var outliers bool
	for i := range rows {
		r := &rows[i]
		if r.Failed() {
			sizes.add(r.label(vary), r.File, "failed", "-", "-", "-", "-", "no")
			times.add(r.label(vary), r.File, "failed", "-", "-", "-")
			continue
		}
		outliers = outliers || r.Compress.Outliers+r.Decompress.Outliers > 0
		sizes.add(r.label(vary), r.File, thousands(r.CompressedBytes), thousands(r.WithModelBytes), load(r), seconds(r.FirstByteSeconds),
			size(r.PeakRSSBytes), yesNo(r.Verified))
		times.add(r.label(vary), r.File, spread(r.Compress), spread(r.Decompress), strconv.Itoa(r.Threads), lanes(r.Lanes))
	}
	if outliers {
		times.Notes = append(times.Notes, "! some runs lie far from the others; speeds are medians.")
	}
	return []*Table{sizes, times}
}

// Commands returns the table of the commands that reproduce each row.
func Commands(rows []Row) *Table {
	t := newTable("", "Model", dataColumn, "Command")
	vary := varying(rows)
	for i := range rows {
		t.add(rows[i].label(vary), rows[i].File, rows[i].Command)
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
type variation struct{ where, threads, lanes, noMix, rich bool }

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
		}
		v.where = v.where || r.Device != first.Device || r.Model == first.Model && r.Kernel != first.Kernel
		v.threads = v.threads || r.AskedThreads() != first.AskedThreads()
		v.lanes = v.lanes || r.LanesAsked != first.LanesAsked
		v.noMix = v.noMix || r.NoMix
		v.rich = v.rich || r.Rich
	}
	return v
}

// Name returns the compressor's name, which tells a bare model from the mixed one.
func (r *Row) Name() string { return r.label(variation{noMix: true, rich: true}) }

func (r *Row) label(v variation) string {
	if r.Kind != KindModel {
		return r.Model
	}
	var more []string
	if v.noMix && r.NoMix {
		more = append(more, "--no-mix")
	}
	if v.rich && r.Rich {
		more = append(more, "rich mixer")
	}
	if v.where && r.Where() != "" {
		more = append(more, r.Where())
	}
	if v.threads && r.AskedThreads() > 0 {
		more = append(more, plural(r.AskedThreads(), "thread"))
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
