package bench

import (
	"fmt"
	"slices"
	"strings"
)

// A Matrix makes cases: every compressor on every file, with the variations
// that are asked for.
type Matrix struct {
	Models   []string // of llmz, NoModel included
	Levels   []Level  // of llmz, before the models
	Classics []string
	Peers    []Peer
	Data     []Data
	// Places are devices, or "cpu:KERNEL"; none stands for the default one.
	Places []string
	// Threads, Lanes and Sizes are what is varied; none stands for the default. The
	// whole file is always measured, too.
	Threads, Lanes []int
	Sizes          []int64
	NoMix          bool
	BlockSize      int
	// SideBySide cuts each file into blocks enough for the most threads to have some of
	// their own, where there is no BlockSize.
	SideBySide bool
	Plan       Plan
	// PathOf tells how a file is named in commands; nil for its path.
	PathOf func(Data) string
}

// Cases lists the cases, file by file.
func (m Matrix) Cases() []Case {
	var cases []Case
	for _, d := range m.data() {
		size, _ := d.Size()
		for _, level := range m.contestants() {
			model := level.Model
			for _, place := range orDefault(m.Places, "") {
				for _, threads := range orDefault(m.Threads, 0) {
					for _, lanes := range orDefault(m.Lanes, 0) {
						if int64(lanes) > max(size, 1) {
							continue
						}
						c := Case{Model: model, Kind: KindModel, Data: d, Threads: threads, Lanes: lanes, BlockSize: m.BlockSize, NoMix: m.NoMix && model != NoModel,
							Rich: level.Rich, Repeats: level.Repeats, Levels: level.Numbers, Plan: m.Plan}
						if m.SideBySide && c.BlockSize == 0 {
							c.BlockSize = blocksFor(size, slices.Max(orDefault(m.Threads, 0)))
						}
						c.Device, c.Kernel, _ = strings.Cut(place, ":")
						if model == NoModel && (c.Kernel != "" || place != "" && place != "auto" && place != "cpu") {
							continue // it runs none of the kernels
						}
						c.Command = m.command(c)
						cases = append(cases, c)
					}
				}
			}
		}
		for _, name := range m.Classics {
			c := Case{Model: name, Kind: KindClassic, Data: d, Plan: m.Plan, Threads: 1}
			c.Command = m.command(c)
			cases = append(cases, c)
		}
		for _, p := range m.Peers {
			c := Case{Model: p.Name, Kind: KindPeer, Data: d, Plan: m.Plan, Threads: 1}
			path, before := m.prepared(d)
			c.Command = before + p.Command(path)
			cases = append(cases, c)
		}
	}
	return cases
}

// contestants returns the levels, and each model with the fast mixer.
func (m Matrix) contestants() []Level {
	all := slices.Clone(m.Levels)
	for _, name := range m.Models {
		all = append(all, Level{Model: name})
	}
	return all
}

// data returns the files, each with the prefixes of it that are asked for.
func (m Matrix) data() []Data {
	var all []Data
	for _, d := range m.Data {
		if size, err := d.Size(); err == nil && !d.Rot13 {
			for _, n := range m.Sizes {
				if n < size {
					all = append(all, d.Prefix(n))
				}
			}
		}
		all = append(all, d)
	}
	return all
}

func orDefault[T any](list []T, def T) []T {
	if len(list) == 0 {
		return []T{def}
	}
	return list
}

// prepared returns the name of a file with d's content and the command that
// makes it, empty where it is there already.
func (m Matrix) prepared(d Data) (path, command string) {
	path = d.Path
	if m.PathOf != nil {
		path = m.PathOf(d)
	}
	if d.Whole() {
		return path, ""
	}
	made := path
	words := "cat " + quote(path)
	if d.Limit > 0 {
		words = fmt.Sprintf("head -c %d %s", d.Limit, quote(path))
		made += fmt.Sprintf(".%d", d.Limit)
	}
	if d.Rot13 {
		words += " | tr A-Za-z N-ZA-Mn-za-m"
		made += ".rot13"
	}
	return made, words + " > " + quote(made) + " && "
}

// command returns what reproduces a case of ours.
func (m Matrix) command(c Case) string {
	path, before := m.prepared(c.Data)
	var b strings.Builder
	b.WriteString(before)
	b.WriteString("llmz bench ")
	if len(c.Levels) > 0 {
		b.WriteString("--levels=" + levelList(c.Levels))
	} else {
		b.WriteString("-m " + quote(c.Model))
	}
	if c.Kind == KindModel {
		switch {
		case c.Kernel != "":
			fmt.Fprintf(&b, " --devices %s:%s", c.Device, c.Kernel)
		case c.Device != "":
			fmt.Fprintf(&b, " --devices %s", c.Device)
		}
		if c.Threads > 0 {
			fmt.Fprintf(&b, " --threads %d", c.Threads)
		}
		if c.Lanes > 0 {
			fmt.Fprintf(&b, " --lanes %d", c.Lanes)
		}
		if c.BlockSize > 0 {
			fmt.Fprintf(&b, " --block-size %d", c.BlockSize)
		}
		if c.NoMix {
			b.WriteString(" --no-mix")
		}
	}
	b.WriteString(" " + quote(path))
	return b.String()
}
