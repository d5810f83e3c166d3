package bench

import (
	"fmt"
	"os/exec"
	"strings"
)

// A Peer is a compressor that is run as a program. In its arguments, IN stands
// for the input file and OUT for the output file.
type Peer struct {
	Name     string
	Program  string
	Compress []string // arguments
	Expand   []string
	// ToStdout and ExpandToStdout say that the output is written there, not to OUT.
	ToStdout, ExpandToStdout bool
	// Suffix is what the program wants archives' names to end in.
	Suffix string
}

// filter is a peer that behaves as gzip does.
func filter(name, program string, args ...string) Peer {
	return Peer{
		Name: name, Program: program, ToStdout: true, ExpandToStdout: true,
		Compress: append(args, "-c", "IN"), Expand: []string{"-d", "-c", "IN"},
	}
}

// Peers lists the programs that are looked for, and the settings they are run
// with: the strongest that are in common use.
func Peers() []Peer {
	named := func(p Peer, suffix string) Peer { p.Suffix = suffix; return p }
	return []Peer{
		named(filter("gzip -9", "gzip", "-9", "-n"), ".gz"),
		named(filter("bzip2 -9", "bzip2", "-9"), ".bz2"),
		named(filter("xz -9e", "xz", "-9e", "-T1"), ".xz"),
		named(filter("zstd -19", "zstd", "-q", "-19"), ".zst"),
		named(filter("zstd --ultra -22", "zstd", "-q", "--ultra", "-22"), ".zst"),
		named(filter("brotli -q 11 -w 24", "brotli", "-q", "11", "-w", "24"), ".br"),
		sevenZip("7z PPMd", "7z"), sevenZip("7zz PPMd", "7zz"),
		{
			Name: "zpaq -m5", Program: "zpaq", Suffix: ".zpaq",
			Compress: []string{"add", "OUT", "IN", "-m5", "-t1"},
			Expand:   []string{"extract", "IN", "data", "-to", "OUT", "-t1", "-force"},
		},
		{Name: "cmix", Program: "cmix", Suffix: ".cmix", Compress: []string{"-c", "IN", "OUT"}, Expand: []string{"-d", "IN", "OUT"}},
		{Name: "lpaq1 9", Program: "lpaq1", Suffix: ".lpaq", Compress: []string{"9", "IN", "OUT"}, Expand: []string{"d", "IN", "OUT"}},
	}
}

// sevenZip is 7-Zip's PPMd with the highest useful order.
func sevenZip(name, program string) Peer {
	return Peer{
		Name: name, Program: program, Suffix: ".7z", ExpandToStdout: true,
		Compress: []string{"a", "-bd", "-m0=PPMd:o16:mem=256m", "-mx9", "-mmt1", "OUT", "IN"},
		Expand:   []string{"e", "-bd", "-so", "IN"},
	}
}

// Installed returns the peers whose programs are on the path.
func Installed(peers []Peer) []Peer {
	var here []Peer
	for _, p := range peers {
		if _, err := exec.LookPath(p.Program); err == nil {
			here = append(here, p)
		}
	}
	return here
}

// Command returns the peer's command for a file, as one would type it.
func (p Peer) Command(in string) string {
	out := in + p.Suffix
	words := []string{p.Program}
	for _, a := range p.Compress {
		words = append(words, quote(expand(a, in, out)))
	}
	if p.ToStdout {
		words = append(words, ">", quote(out))
	}
	return strings.Join(words, " ")
}

func expand(arg, in, out string) string {
	switch arg {
	case "IN":
		return in
	case "OUT":
		return out
	}
	return arg
}

// quote writes a word so that a POSIX shell reads it as one.
func quote(s string) string {
	plain := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./,:=+@%", r))
	}
	if s != "" && strings.IndexFunc(s, plain) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func peerByName(name string) (Peer, error) {
	for _, p := range Peers() {
		if p.Name == name {
			return p, nil
		}
	}
	return Peer{}, fmt.Errorf("unknown program %q", name)
}
