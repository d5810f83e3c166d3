package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine"
)

func TestThreadLadder(t *testing.T) {
	for cores, want := range map[int][]int{
		0: {1}, 1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 4}, 6: {1, 2, 4, 6}, 16: {1, 2, 4, 8, 16}, 96: {1, 2, 4, 8, 16, 32, 64, 96},
	} {
		if got := ThreadLadder(cores); !slices.Equal(got, want) {
			t.Errorf("%d cores: %v, want %v", cores, got, want)
		}
	}
}

// Blocks are enough for two each, whatever the file, and never larger than usual.
func TestBlocksFor(t *testing.T) {
	for _, size := range []int64{1, 7, 100, 1 << 16, 1<<20 - 1, 1 << 20, 12345678, 1 << 30} {
		for _, threads := range []int{0, 1, 2, 3, 16, 96} {
			n := int64(blocksFor(size, threads))
			if n < leastBlock || n > engine.DefaultBlockSize {
				t.Fatalf("%d bytes, %d threads: blocks of %d", size, threads, n)
			}
			if blocks := (size + n - 1) / n; blocks < min((size+leastBlock-1)/leastBlock, int64(2*threads)) {
				t.Errorf("%d bytes, %d threads: %d blocks", size, threads, blocks)
			}
		}
	}
}

func TestScaling(t *testing.T) {
	row := func(model string, threads, used, blocks int, forth, back float64) Row {
		return Row{File: "f", Model: model, Kind: KindModel, ThreadsAsked: threads, Threads: used, Blocks: blocks,
			CompressBytesPerSecond: forth, DecompressBytesPerSecond: back}
	}
	failed := row("gru", 4, 4, 0, 0, 0)
	failed.Error = "the archive differs"
	for name, c := range map[string]struct {
		rows []Row
		want []string
		note string
		any  bool
	}{
		"two models": {
			rows: []Row{row("none", 1, 1, 4, 1000, 500), row("none", 2, 2, 4, 1800, 1000), row("gru", 2, 2, 4, 150, 160), row("gru", 1, 1, 4, 100, 100)},
			want: []string{"none f compress 1 4 1000 1.00 100", "none f compress 2 4 1800 1.80 90", "none f decompress 1 4 500 1.00 100", "none f decompress 2 4 1000 2.00 100",
				"gru f compress 1 4 100 1.00 100", "gru f compress 2 4 150 1.50 75", "gru f decompress 1 4 100 1.00 100", "gru f decompress 2 4 160 1.60 80"},
			any: true,
		},
		"asked is what counts": {
			rows: []Row{row("gru", 1, 1, 8, 100, 100), row("gru", 4, 2, 8, 200, 200)},
			want: []string{"gru f compress 1 8 100 1.00 100", "gru f compress 4 8 200 2.00 50", "gru f decompress 1 8 100 1.00 100", "gru f decompress 4 8 200 2.00 50"},
			any:  true,
		},
		"a failed row": {
			rows: []Row{row("gru", 1, 1, 8, 100, 100), failed},
			want: []string{"gru f compress 1 8 100 1.00 100", "gru f compress 4 - failed: the archive differs - -",
				"gru f decompress 1 8 100 1.00 100", "gru f decompress 4 - failed: the archive differs - -"},
			any: true,
		},
		"without one thread": {
			rows: []Row{row("gru", 2, 2, 8, 100, 100), row("gru", 4, 4, 8, 200, 200)},
			want: []string{"gru f compress 2 8 100 - -", "gru f compress 4 8 200 - -", "gru f decompress 2 8 100 - -", "gru f decompress 4 8 200 - -"},
			note: "no speed-up", any: true,
		},
		"one core":       {rows: []Row{row("gru", 1, 1, 2, 100, 100)}, want: []string{"gru f compress 1 2 100 1.00 100", "gru f decompress 1 2 100 1.00 100"}, note: "nothing to compare"},
		"too few blocks": {rows: []Row{row("gru", 1, 1, 1, 100, 100), row("gru", 2, 2, 1, 100, 100)}, want: nil, note: "Fewer than two blocks", any: true},
		"no threads":     {rows: []Row{row("gru", 0, 2, 4, 100, 100), {Model: "xz-9", Kind: KindClassic, Threads: 1, ThreadsAsked: 1}}, want: []string{}, note: "None of the rows"},
	} {
		table := Scaling(c.rows)
		var got []string
		for _, r := range table.Rows {
			got = append(got, strings.Join(r, " "))
		}
		if c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q\nwant %q", name, got, c.want)
		}
		if notes := strings.Join(table.Notes, " "); c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q", name, notes)
		}
		if AnyThreads(c.rows) != c.any {
			t.Errorf("%s: AnyThreads is %v", name, !c.any)
		}
	}
}

// What was asked and what was used are both kept, and rows do not meet in one key.
func TestThreadsAsked(t *testing.T) {
	d := sampleFile(t, strings.Repeat("x", 32*1000))
	m := Matrix{Models: []string{"gru"}, Data: []Data{d}, Threads: []int{1, 3, 16}, SideBySide: true}
	keys := map[string]bool{}
	for _, c := range m.Cases() {
		r := Measure(t.Context(), c, openFake(&fake{}))
		if r.Failed() || r.ThreadsAsked != c.Threads || r.Threads != 2 || r.BlockSize != 1000 || len(r.ArchiveSHA256) != 64 {
			t.Errorf("%d threads: %+v", c.Threads, r)
		}
		if want := fmt.Sprintf("--threads %d --block-size %d", c.Threads, 1000); !strings.Contains(c.Command, want) {
			t.Errorf("%s does not say %s", c.Command, want)
		}
		keys[r.key()] = true
	}
	if len(keys) != 3 {
		t.Errorf("%d keys", len(keys))
	}
	if m.BlockSize = 100; m.Cases()[0].BlockSize != 100 {
		t.Error("a block size that was asked for is not taken")
	}
	// Rows from before there was what was asked are found again.
	if old, now := (&Row{Model: "gru", Threads: 2}), (&Row{Model: "gru", Threads: 2, ThreadsAsked: 2}); old.key() != now.key() {
		t.Error("rows of earlier runs have other keys")
	}
}

// Archives that differ with the number of threads are a failure, and only those.
func TestThreadsNeverChangeArchives(t *testing.T) {
	for name, c := range map[string]struct {
		rows   []Row
		failed []bool
	}{
		"same":          {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "a"}}, []bool{false, false}},
		"differs":       {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "b"}}, []bool{false, true}},
		"third differs": {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "a"}, {ThreadsAsked: 4, ArchiveSHA256: "b"}}, []bool{false, false, true}},
		"one wrong":     {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "b"}, {ThreadsAsked: 4, ArchiveSHA256: "a"}}, []bool{false, true, false}},
		"other lanes":   {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "b", LanesAsked: 8}}, []bool{false, false}},
		"other blocks":  {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "b", BlockSize: 8}}, []bool{false, false}},
		"other mixer":   {[]Row{{ThreadsAsked: 1, ArchiveSHA256: "a"}, {ThreadsAsked: 2, ArchiveSHA256: "b", Rich: true}}, []bool{false, false}},
		"other kinds":   {[]Row{{ThreadsAsked: 1}, {ThreadsAsked: 2}}, []bool{false, false}},
	} {
		next := 0
		r := Runner{Measure: func(context.Context, Case) Row { next++; return c.rows[next-1] }}
		rows, err := r.Run(t.Context(), make([]Case, len(c.rows)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if rows[i].Failed() != c.failed[i] {
				t.Errorf("%s: row %d: %q", name, i, rows[i].Error)
			}
		}
		if bad := slices.Contains(c.failed, true); (Check(rows) != nil) != bad {
			t.Errorf("%s: %v", name, Check(rows))
		}
	}
}
