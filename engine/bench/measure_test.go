package bench

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	d := sampleFile(t, strings.Repeat("abcdefgh", 100))
	closed := false
	row := Measure(t.Context(), Case{Model: "x", Kind: KindModel, Data: d, Command: "llmz bench x", Plan: Plan{Runs: 3, Warmup: 1, Curve: true}}, openFake(&fake{closed: &closed}))
	if row.Failed() {
		t.Fatal(row.Error)
	}
	if !closed {
		t.Error("subject was not closed")
	}
	if row.Op != "bench" || row.Model != "x" || row.File != "sample.txt" || row.Command != "llmz bench x" {
		t.Errorf("labels: %+v", row)
	}
	if row.OriginalBytes != 800 || row.CompressedBytes != 801 || row.WithModelBytes != 1801 || !row.Verified {
		t.Errorf("sizes: %+v", row)
	}
	if row.BPC != 8*801.0/800 || row.Ratio != 800.0/801 {
		t.Errorf("BPC %v, ratio %v", row.BPC, row.Ratio)
	}
	// Runs of a few microseconds are repeated until the clock can tell.
	if row.Compress.Runs != maxRuns || row.Decompress.Runs != maxRuns {
		t.Errorf("%d and %d runs, want %d", row.Compress.Runs, row.Decompress.Runs, maxRuns)
	}
	if row.CompressBytesPerSecond <= 0 || row.Seconds != row.Compress.Median || row.BytesPerSecond != row.CompressBytesPerSecond {
		t.Errorf("speeds: %+v", row)
	}
	if row.Symbols != 800 || row.Lanes != 4 || row.Threads != 2 || row.Kernel != "generic" || row.Parameters != 7 {
		t.Errorf("outcome: %+v", row)
	}
	if s, ok := InferShare(row.Profile); !ok || s != 0.75 {
		t.Errorf("infer share %v, %v", s, ok)
	}
	if n := len(row.Curve); n < 30 || n > curvePoints+1 || row.Curve[n-1] != [2]int64{800, 801} {
		t.Errorf("curve of %d points: %v", n, row.Curve)
	}
	if row.FirstByteSeconds <= 0 || row.PeakRSSBytes <= 0 && PeakRSS() > 0 {
		t.Errorf("first byte %v, memory %d", row.FirstByteSeconds, row.PeakRSSBytes)
	}
}

// TestBroken makes sure that a compressor that does not work keeps its row, and
// that the row says so.
func TestBroken(t *testing.T) {
	d := sampleFile(t, strings.Repeat("x", 1000))
	cases := map[string]struct {
		subject *fake
		kind    Kind
		want    string
	}{
		"other content":  {&fake{corrupt: true}, KindModel, "differs from the original at byte 500"},
		"less content":   {&fake{short: true}, KindModel, "ends after 999 bytes"},
		"more content":   {&fake{long: true}, KindModel, "longer than 1000 bytes"},
		"other archives": {&fake{unstable: true}, KindModel, "two runs gave different archives"},
		"refusal":        {&fake{failing: true}, KindModel, "no memory for the model"},
		"peer":           {&fake{corrupt: true}, KindPeer, "differs from the original at byte 500"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := Runner{Measure: func(ctx context.Context, cs Case) Row {
				if cs.Model == "good" {
					return Measure(ctx, cs, openFake(&fake{}))
				}
				return Measure(ctx, cs, openFake(c.subject))
			}}
			plan := Plan{Runs: 2}
			rows, err := r.Run(t.Context(), []Case{
				{Model: "bad", Kind: c.kind, Data: d, Plan: plan}, {Model: "good", Kind: KindModel, Data: d, Plan: plan},
			})
			if err != nil || len(rows) != 2 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			if !strings.Contains(rows[0].Error, c.want) || rows[0].Verified {
				t.Errorf("row says %q (verified %v), want %q", rows[0].Error, rows[0].Verified, c.want)
			}
			if rows[1].Failed() {
				t.Errorf("the next row failed, too: %s", rows[1].Error)
			}
			if err := Check(rows); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "1 of 2") {
				t.Errorf("Check: %v", err)
			}
			var text strings.Builder
			if err := Results(rows).WriteText(&text, 0); err != nil || !regexp.MustCompile(`(?m)^bad +sample\.txt +failed +-.*\n(.*\n)*bad on sample\.txt failed: .`).MatchString(text.String()) {
				t.Errorf("table does not show the failure (%v):\n%s", err, &text)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	row := Measure(t.Context(), Case{Model: "x", Data: Data{Path: t.TempDir() + "/nothing"}}, openFake(&fake{}))
	if !row.Failed() {
		t.Error("a missing file gave a row without an error")
	}
}

func TestInterrupted(t *testing.T) {
	d := sampleFile(t, "hello")
	ctx, cancel := context.WithCancel(t.Context())
	r := Runner{
		Measure: func(ctx context.Context, c Case) Row {
			return Measure(ctx, c, openFake(&fake{hang: c.Model == "second"}))
		},
		Begin: func(_, _ int, c Case) {
			if c.Model == "second" {
				cancel()
			}
		},
	}
	rows, err := r.Run(ctx, []Case{{Model: "first", Data: d}, {Model: "second", Data: d}, {Model: "third", Data: d}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(rows) != 2 || rows[0].Failed() || rows[1].Error != "interrupted" {
		t.Errorf("rows: %+v", rows)
	}
}

// TestBudget makes sure that slow runs are not repeated beyond their budget.
func TestBudget(t *testing.T) {
	m := measurement{c: Case{Plan: Plan{Runs: 10, Budget: 3 * time.Second}}}
	for _, c := range []struct {
		run  time.Duration
		want int
	}{{time.Minute, 1}, {2 * time.Second, 2}, {time.Second, 4}, {250 * time.Millisecond, 10}, {time.Millisecond, maxRuns}} {
		s, err := m.repeat(func(int) (time.Duration, error) { return c.run, nil })
		if err != nil || s.Runs != c.want {
			t.Errorf("runs of %v: %d, want %d (%v)", c.run, s.Runs, c.want, err)
		}
	}
}

func TestProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := sampleFile(t, strings.Repeat("text ", 1000))
	child := func(mode string) Process {
		return Process{Command: []string{self}, Env: func(Case) []string { return []string{"LLMZ_BENCH_TEST_CHILD=" + mode} }}
	}
	good := child("work").Measure(t.Context(), Case{Model: "x", Kind: KindModel, Data: d, Plan: Plan{Runs: 1}})
	if good.Failed() || good.CompressedBytes != 5001 || good.Lanes != 4 {
		t.Errorf("row of the child: %+v", good)
	}
	classic := child("work").Measure(t.Context(), Case{Model: "gzip-9", Kind: KindClassic, Data: d, Plan: Plan{Runs: 1}})
	if classic.Failed() || classic.CompressedBytes > 200 || !classic.Verified {
		t.Errorf("row of gzip: %+v", classic)
	}
	bad := child("crash").Measure(t.Context(), Case{Model: "x", Kind: KindModel, Data: d})
	if !strings.Contains(bad.Error, "out of memory") || bad.Model != "x" {
		t.Errorf("row of a crashed child: %+v", bad)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := child("hang").Measure(ctx, Case{Model: "x", Kind: KindModel, Data: d}); r.Error != "interrupted" {
		t.Errorf("row of a child that was stopped: %+v", r)
	}
}

// TestPeers runs the programs that are here on a small text, and one that
// everybody has in the role of a broken one.
func TestPeers(t *testing.T) {
	d := sampleFile(t, strings.Repeat("The quick brown fox jumps over the lazy dog. ", 200))
	for _, p := range Installed(Peers()) {
		t.Run(p.Name, func(t *testing.T) {
			row := Measure(t.Context(), Case{Model: p.Name, Kind: KindPeer, Data: d, Plan: Plan{Runs: 1}}, OpenPeer)
			if row.Failed() || !row.Verified || row.CompressedBytes == 0 || row.CompressedBytes > 2000 {
				t.Errorf("row: %+v", row)
			}
			t.Logf("%-20s %5d bytes, %s, %s", p.Name, row.CompressedBytes, size(row.PeakRSSBytes), p.Command("f"))
		})
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LLMZ_BENCH_TEST_CHILD", "crash")
	row := Measure(t.Context(), Case{Model: "broken", Kind: KindPeer, Data: d, Plan: Plan{Runs: 1}},
		func(context.Context, Case) (Subject, Facts, error) {
			return newPeerSubject(Peer{Name: "broken", Program: self, ToStdout: true})
		})
	if !strings.Contains(row.Error, "out of memory") {
		t.Errorf("row of a program that fails: %q", row.Error)
	}
}
