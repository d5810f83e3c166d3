// Package testdata holds the samples that benchmarks use where no file is named.
package testdata

import "embed"

// Samples holds the bundled samples:
//
//   - canterbury_small.bin: 10,846 bytes of Milton's "Paradise Lost", from the
//     Canterbury corpus's plrabn12.txt;
//   - alice29.txt: Carroll's "Alice's Adventures in Wonderland", from the
//     Canterbury corpus;
//   - fresh.txt: a short story written for this project in November 2026 and
//     published nowhere before, so that the models cannot have seen it.
//
//go:embed canterbury_small.bin alice29.txt fresh.txt
var Samples embed.FS

// Names lists the samples in the order of reports.
func Names() []string { return []string{"canterbury_small.bin", "fresh.txt", "alice29.txt"} }
