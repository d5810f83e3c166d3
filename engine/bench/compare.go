package bench

import (
	"fmt"
	"math"
)

// Change is how a row differs from an earlier one of the same case.
type Change struct {
	Old, New *Row
	// Size is the change of the archive's size as a fraction: -0.02 is 2% smaller.
	Size float64
	// Compress and Decompress are the changes of the speeds as fractions.
	Compress, Decompress float64
	// CompressNoise and DecompressNoise are true where a change of speed could be
	// chance.
	CompressNoise, DecompressNoise bool
}

// Without repeated runs nothing is known about the spread: a shared machine
// easily differs by that much from one run to the next. With them, changes below
// leastNoise still say little.
const (
	singleNoise = 0.15
	leastNoise  = 0.03
)

// Compare matches the rows of two runs. Rows without a counterpart are left
// out, and so are failed ones unless only one of the two failed.
func Compare(old, now []Row) []Change {
	byKey := make(map[string]*Row, len(old))
	for i := range old {
		byKey[old[i].key()] = &old[i]
	}
	var changes []Change
	for i := range now {
		o, n := byKey[now[i].key()], &now[i]
		if o == nil || o.Failed() && n.Failed() {
			continue
		}
		c := Change{Old: o, New: n}
		if !o.Failed() && !n.Failed() {
			c.Size = change(float64(o.CompressedBytes), float64(n.CompressedBytes))
			c.Compress = change(o.CompressBytesPerSecond, n.CompressBytesPerSecond)
			c.Decompress = change(o.DecompressBytesPerSecond, n.DecompressBytesPerSecond)
			c.CompressNoise = noise(o.Compress, n.Compress, c.Compress)
			c.DecompressNoise = noise(o.Decompress, n.Decompress, c.Decompress)
		}
		changes = append(changes, c)
	}
	return changes
}

// key tells which case a row is about.
func (r *Row) key() string {
	return r.keyBut(true)
}

// keyBut is key, where threads is false of all rows that differ in their threads only.
func (r *Row) keyBut(threads bool) string {
	n := 0
	if threads {
		n = r.AskedThreads()
	}
	return fmt.Sprintf("%s|%s|%s|%s|%s|%d|%d|%d|%d|%v|%v", r.Model, r.Kind, r.File, r.Device, r.Kernel, n, r.LanesAsked, r.BlockSize, r.OriginalBytes, r.NoMix, r.Rich)
}

func change(old, now float64) float64 {
	if old == 0 {
		return 0
	}
	return now/old - 1
}

// noise reports whether the difference of two sets of times could be chance: it
// is within two standard errors of the difference of their means (Welch), or so
// small that the state of the machine explains it.
func noise(a, b Summary, delta float64) bool {
	delta = math.Abs(delta)
	if a.Runs < 2 || b.Runs < 2 {
		return delta < singleNoise
	}
	se := math.Sqrt(a.SD*a.SD/float64(a.Runs) + b.SD*b.SD/float64(b.Runs))
	return delta < leastNoise || math.Abs(a.Mean-b.Mean) <= 2*se
}

// Changes returns the table of what changed against an earlier run.
func Changes(changes []Change) *Table {
	t := newTable("Against the earlier run", "Model", dataColumn, "Size>", "Compression>", "Decompression>")
	for _, c := range changes {
		size, comp, decomp := "same", speedChange(c.Compress, c.CompressNoise), speedChange(c.Decompress, c.DecompressNoise)
		switch {
		case c.New.Failed():
			size, comp, decomp = "fails now: "+oneLine(c.New.Error), "-", "-"
		case c.Old.Failed():
			size, comp, decomp = "failed before", "-", "-"
		case c.Size != 0:
			size = fmt.Sprintf("%+.2f%%", 100*c.Size)
		}
		t.add(c.New.Model, c.New.File, size, comp, decomp)
	}
	if len(t.Rows) > 0 {
		if o, n := changes[0].Old, changes[0].New; o.Machine != n.Machine {
			t.Notes = append(t.Notes, fmt.Sprintf("The earlier run was made on another machine (%s): speeds do not compare.", o.Machine))
		}
	} else {
		t.Notes = append(t.Notes, "The earlier run has no row in common with this one.")
	}
	return t
}

func speedChange(delta float64, noise bool) string {
	s := fmt.Sprintf("%+.1f%%", 100*delta)
	if noise {
		s += " (noise)"
	}
	return s
}
