package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/llmz/llmz/engine"
)

// ThreadLadder returns the numbers of threads up to cores that tell how work scales:
// 1, 2, 4 and so on, and all of them.
func ThreadLadder(cores int) []int {
	var all []int
	for n := 1; n < cores; n *= 2 {
		all = append(all, n)
	}
	return append(all, max(cores, 1))
}

// blocksFor returns the size of blocks that gives at least twice as many of them as
// threads, so that each thread has blocks of its own to the end, or nearly so. Smaller
// ones than leastBlock would measure headers.
func blocksFor(size int64, threads int) int {
	const page = 4 << 10
	n := min(size/int64(2*max(threads, 1)), engine.DefaultBlockSize)
	if n > 16*page {
		n -= n % page
	}
	return int(max(n, leastBlock))
}

// leastBlock is the smallest block that commands take.
const leastBlock = 512

// Scaling returns the table of what threads gain, in each direction: the speed with
// each number of them, the speed-up against one, and the efficiency, which is the
// speed-up by the number of threads.
func Scaling(rows []Row) *Table {
	t := newTable("", "Model", dataColumn, "Direction", "Threads>", "Blocks>", "Speed (B/s)>", "Speed-up (x)>", "Efficiency (%)>")
	vary := varying(rows)
	vary.threads = false
	alone, few := false, false
	for _, group := range byThreads(rows) {
		for _, d := range []struct {
			name  string
			speed func(*Row) float64
		}{
			{"compress", func(r *Row) float64 { return r.CompressBytesPerSecond }},
			{"decompress", func(r *Row) float64 { return r.DecompressBytesPerSecond }},
		} {
			base := 0.0
			if first := group[0]; first.AskedThreads() == 1 && !first.Failed() {
				base = d.speed(first)
			}
			for _, r := range group {
				cells := []string{r.label(vary), r.File, d.name, strconv.Itoa(r.AskedThreads())}
				if r.Failed() {
					t.add(append(cells, "-", failedCell+oneLine(r.Error), "-", "-")...)
					continue
				}
				gain, efficiency := "-", "-"
				if base > 0 {
					gain = fmt.Sprintf("%.2f", d.speed(r)/base)
					efficiency = fmt.Sprintf("%.0f", 100*d.speed(r)/base/float64(r.AskedThreads()))
				}
				alone = alone || base == 0
				few = few || r.Blocks < 2*r.AskedThreads() && r.AskedThreads() > 1
				t.add(append(cells, strconv.Itoa(r.Blocks), perSecond(d.speed(r)), gain, efficiency)...)
			}
		}
	}
	switch {
	case len(t.Rows) == 0:
		t.Notes = append(t.Notes, "None of the rows is of a model with a number of threads that was asked for.")
	case alone:
		t.Notes = append(t.Notes, "What there is no figure for with one thread has no speed-up.")
	case !AnyThreads(rows):
		t.Notes = append(t.Notes, "One number of threads was measured, such as the one core of a machine: there is nothing to compare.")
	}
	if few {
		t.Notes = append(t.Notes, "Fewer than two blocks a thread: some threads wait. --block-size cuts smaller ones.")
	}
	return t
}

// AnyThreads tells whether some rows differ in their numbers of threads only.
func AnyThreads(rows []Row) bool {
	return slices.ContainsFunc(byThreads(rows), func(group []*Row) bool { return len(group) > 1 })
}

// byThreads groups the rows that differ in nothing but the number of threads that was
// asked for, which ascends. Of those that were measured twice it keeps the later one.
func byThreads(rows []Row) [][]*Row {
	all := groupRows(rows, func(r *Row) (string, bool) { return r.keyBut(false), r.Kind == KindModel && r.ThreadsAsked > 0 },
		func(a, b *Row) bool { return a.AskedThreads() == b.AskedThreads() })
	for _, group := range all {
		slices.SortStableFunc(group, func(a, b *Row) int { return cmp.Compare(a.AskedThreads(), b.AskedThreads()) })
	}
	return all
}

// AskedThreads returns the number of threads that the row was told to use; where it was not told,
// what it used.
func (r *Row) AskedThreads() int {
	if r.ThreadsAsked > 0 {
		return r.ThreadsAsked
	}
	return r.Threads
}

// agree makes r a failed row if its archive differs from that of an earlier row that had
// another number of threads: they must never change it.
func (r *Row) agree(earlier []Row) {
	if r.Failed() || r.ArchiveSHA256 == "" {
		return
	}
	for i := range earlier {
		o := &earlier[i]
		if o.Failed() || o.ArchiveSHA256 == "" || o.ArchiveSHA256 == r.ArchiveSHA256 || o.keyBut(false) != r.keyBut(false) {
			continue
		}
		r.Verified = false
		r.Error = fmt.Sprintf("the archive differs from that with %s", plural(o.AskedThreads(), "thread"))
		return
	}
}
