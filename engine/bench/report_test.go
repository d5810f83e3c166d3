package bench

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func testRows() []Row {
	rows := []Row{
		{
			Op: "bench", File: "a|b.txt", Model: "gru", Kind: KindModel, Device: "cpu", Kernel: "avx2", Threads: 2, Lanes: 16,
			OriginalBytes: 10846, CompressedBytes: 3000, ModelBytes: 4_300_000, Verified: true, Parameters: 4302208,
			Compress: Summarize([]float64{0.5, 0.52, 0.54}), Decompress: Summarize([]float64{0.6}),
			ModelSHA256: "ab", LoadSeconds: 0.0123, FirstByteSeconds: 0.2, PeakRSSBytes: 60_000_000,
			Profile: map[string]float64{"model_infer": 0.4, "mix": 0.1}, Command: "llmz bench -m gru 'a|b.txt'",
		},
		{
			Op: "bench", File: "a|b.txt", Model: "gru", Kind: KindModel, Device: "cpu", Kernel: "generic", Threads: 2, Lanes: 16,
			OriginalBytes: 10846, CompressedBytes: 3000, Verified: true,
			Compress: Summarize([]float64{5}), Decompress: Summarize([]float64{6}),
			Profile: map[string]float64{"model_infer": 4.9, "mix": 0.1},
		},
		{
			Op: "bench", File: "a|b.txt", Model: "xz-9", Kind: KindClassic, OriginalBytes: 10846, CompressedBytes: 5000, Verified: true,
			Compress: Summarize([]float64{0.001, 0.001, 0.001, 0.00101, 0.5}), Decompress: Summarize([]float64{0.0001}), Note: "a library",
		},
		{Op: "bench", File: "a|b.txt", Model: "bad", Kind: KindPeer, OriginalBytes: 10846, Error: "exit status 1:\nno luck"},
	}
	for i := range rows {
		if !rows[i].Failed() {
			rows[i].settle()
		}
	}
	return rows
}

func TestSummarize(t *testing.T) {
	if s := Summarize(nil); s != (Summary{}) {
		t.Errorf("of nothing: %+v", s)
	}
	in := []float64{3, 1, 2}
	s := Summarize(in)
	if s.Runs != 3 || s.Median != 2 || s.Mean != 2 || s.SD != 1 || s.Min != 1 || s.Max != 3 || s.Outliers != 0 {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(in, []float64{3, 1, 2}) {
		t.Error("the argument was changed")
	}
	s = Summarize([]float64{1, 1.01, 0.99, 1.02, 0.98, 9})
	if s.Outliers != 1 || math.Abs(s.Median-1.005) > 1e-12 {
		t.Errorf("with an outlier: %+v", s)
	}
	if s := Summarize([]float64{4}); s.SD != 0 || s.Median != 4 {
		t.Errorf("of one: %+v", s)
	}
}

func TestTables(t *testing.T) {
	rows := testRows()
	var b bytes.Buffer
	write := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	write(Results(rows).WriteText(&b, 0))
	for _, d := range Devices(rows) {
		write(d.WriteText(&b, 0))
	}
	for _, d := range Details(rows) {
		write(d.WriteText(&b, 0))
		write(d.WriteText(&b, 80))
	}
	write(Results(rows).WriteText(&b, 80))
	write(Results(rows).WriteMarkdown(&b))
	write(Devices(rows)[0].WriteMarkdown(&b))
	write(Results(rows).WriteCSV(&b))
	golden := filepath.Join("testdata", "tables.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("tables differ from %s (UPDATE_GOLDEN=1 accepts them):\n%s", golden, &b)
	}
}

// TestFormats reads the tables back.
func TestFormats(t *testing.T) {
	rows := testRows()
	var md, text bytes.Buffer
	table := Results(rows)
	if err := table.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(md.String()), "\n")
	if len(lines) != len(rows)+2 {
		t.Errorf("%d lines of Markdown for %d rows", len(lines), len(rows))
	}
	for _, l := range lines {
		if n := strings.Count(strings.ReplaceAll(l, `\|`, ""), "|"); n != 7 {
			t.Errorf("%d cells in %q", n-1, l)
		}
	}
	if err := table.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(got) != len(rows)+1 {
		t.Fatalf("%d CSV records, %v", len(got), err)
	}
	for i, r := range table.Rows {
		if !slices.Equal(got[i+1], r) {
			t.Errorf("CSV record %q, want %q", got[i+1], r)
		}
	}
}

// TestJSON pins the fields that scripts rely on and the way back.
func TestJSON(t *testing.T) {
	rows := testRows()
	var b bytes.Buffer
	if err := WriteJSON(&b, rows); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != len(rows) {
		t.Errorf("%d lines for %d rows", n, len(rows))
	}
	var first map[string]any
	if err := json.NewDecoder(bytes.NewReader(b.Bytes())).Decode(&first); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{
		"op", "file", "output", "model", "model_sha256", "device", "kernel", "original_bytes", "compressed_bytes", "ratio", "bpc", "seconds", "bytes_per_second",
		"symbols", "blocks", "lanes", "threads", "peak_rss_bytes", "verified", "profile", "compress_bytes_per_second", "decompress_bytes_per_second",
	} {
		if _, ok := first[field]; !ok {
			t.Errorf("no field %q", field)
		}
	}
	if first["op"] != "bench" {
		t.Errorf("op is %v", first["op"])
	}
	path := filepath.Join(t.TempDir(), "old.json")
	if err := os.WriteFile(path, append([]byte("{\"op\":\"other\"}\n"), b.Bytes()...), 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := ReadFile(t.Context(), path)
	if err != nil || len(back) != len(rows) {
		t.Fatalf("%d rows came back, %v", len(back), err)
	}
	if back[0].Compress != rows[0].Compress || back[3].Error != rows[3].Error {
		t.Errorf("row changed: %+v", back[0])
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(t.Context(), path); err == nil {
		t.Error("a file without rows was accepted")
	}
	row := []byte("{\"op\":\"bench\"}\n")
	for name, text := range map[string][]byte{
		"text": []byte("not json"), "a long line": append([]byte("{\"op\":\"bench\",\"model\":\""), bytes.Repeat([]byte("x"), maxLine)...),
		"more rows than there are": bytes.Repeat(row, maxRows+1),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if rows, err := ReadFile(t.Context(), path); err == nil {
			t.Errorf("%s was accepted, as %d rows", name, len(rows))
		}
	}
}

func TestCompare(t *testing.T) {
	old, now := testRows(), testRows()
	now[0].Compress = Summarize([]float64{0.51, 0.53, 0.50}) // within the noise
	now[0].Decompress = Summarize([]float64{0.3})            // twice as fast
	now[0].CompressedBytes = 2970
	now[0].settle()
	now[2].Error = "broke"
	now = append(now, Row{Op: "bench", Model: "new", File: "a|b.txt"})
	changes := Compare(old, now)
	if len(changes) != 3 {
		t.Fatalf("%d changes: %+v", len(changes), changes)
	}
	c := changes[0]
	if math.Abs(c.Size+0.01) > 1e-9 || !c.CompressNoise || c.DecompressNoise || math.Abs(c.Decompress-1) > 1e-9 {
		t.Errorf("change: %+v", c)
	}
	var text strings.Builder
	if err := Changes(changes).WriteText(&text, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-1.00%", "(noise)", "+100.0%", "same", "fails now: broke"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	text.Reset()
	if err := Changes(nil).WriteText(&text, 0); err != nil || !strings.Contains(text.String(), "no row in common") {
		t.Errorf("%v: %s", err, &text)
	}
}

func TestPage(t *testing.T) {
	rows := testRows()
	rows[0].File, rows[2].File = smallFile, wholeFile
	rows[0].Host = Host{Machine: "a machine", Commit: "0123456789abcdef", Date: "2026-11-23T22:00:00Z"}
	rows[3].Host = rows[0].Host
	rows[0].Busy, rows[1].Busy, rows[2].Busy = 4, 4, 4
	path := filepath.Join(t.TempDir(), "README.md")
	begin, end := markers("bench")
	summary, summaryEnd := markers("summary")
	before, after := "# Title\n\n"+begin, end+"\n\n"+summary+"\nold summary\n"+summaryEnd+"\n\nMore text.\n"
	if err := os.WriteFile(path, []byte(before+"\nold figures\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := filepath.Join(filepath.Dir(path), "testdata", "bench", "scaling-lanes.svg")
	if err := os.MkdirAll(filepath.Dir(shown), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(shown, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 2 { // the second time must change nothing
		if err := UpdatePage(t.Context(), path, rows); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if !strings.HasPrefix(text, before) || !strings.HasSuffix(text, summaryEnd+"\n\nMore text.\n") || strings.Contains(text, "old summary") || strings.Contains(text, "old figures") {
			t.Errorf("the rest of the file changed:\n%s", text)
		}
		for _, want := range []string{
			"a machine, at commit 0123456789ab, on 2026-11-23", "| 5,794 | 5,837 | 2.89 | 2.77 | gru | 20,858 |", "not measured: weights not at hand",
			"failed: exit status 1: no luck", "1 of 4 rows failed", "about 4 processes wanted each core",
			"| Model | canterbury_small.bin, 10,846 B | a\\|b.txt, 10,846 B | all13, 10,846 B |", "| xz-9 | - | - | 3.688 |", "| bad | - | failed | - |",
			"- GPT-2 and DistilGPT-2: their weights", "- GPUs, ", "Programs that were not on the machine: gzip -9, ",
			"| **llmz** (default: `-m gru`) | not measured |", "<details><summary>all13, 10,846 B: ", "![Speed against lanes](testdata/bench/scaling-lanes.svg)",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if first != nil && !bytes.Equal(first, b) {
			t.Error("the second update changed the file")
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") || strings.Index(text, "The prototype's table") > strings.Index(text, "<details>") {
			t.Error("the folds are wrong")
		}
		first = b
	}
	if err := os.WriteFile(path, []byte("no markers"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := UpdatePage(t.Context(), path, rows); !errors.Is(err, ErrNoMarkers) {
		t.Errorf("without markers: %v", err)
	}
}

// TestWidth: a table that is too wide for a terminal is written file by file, and
// the reason of a failure never makes it wider.
func TestWidth(t *testing.T) {
	rows := testRows()
	rows[2].File = "another.txt"
	rows[3].Error = strings.Repeat("a long story ", 20)
	for _, table := range append(Details(rows), Results(rows)) {
		for _, width := range []int{80, 140} {
			var b strings.Builder
			if err := table.WriteText(&b, width); err != nil {
				t.Fatal(err)
			}
			for _, l := range strings.Split(b.String(), "\n") {
				if n := utf8.RuneCountInString(l); n > width && !strings.Contains(l, "a long story") {
					t.Errorf("%d columns, not %d: %q", n, width, l)
				}
			}
			if grouped := strings.Contains(b.String(), "\nanother.txt\n"); grouped != (width == 80) {
				t.Errorf("in %d columns grouped: %v\n%s", width, grouped, &b)
			}
		}
	}
	var b strings.Builder
	if err := Results(rows).WriteText(&b, 80); err != nil || !strings.Contains(b.String(), "\nbad on a|b.txt failed: a long story") {
		t.Errorf("no reason (%v):\n%s", err, &b)
	}
}

// TestCSV: whatever was measured, a CSV file is one table.
func TestCSV(t *testing.T) {
	rows := testRows()
	rows = append(rows, rows[0], rows[1])
	rows[4].Model, rows[5].Model = "lstm", "lstm"
	rows[5].Error = "no, \"this\"\nis not"
	for name, table := range map[string]*Table{
		"results": Results(rows), "devices": AllDevices(rows), "commands": Commands(rows), "changes": Changes(Compare(testRows(), rows)),
	} {
		var b bytes.Buffer
		if err := table.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		// The reader refuses records that are not as long as the first.
		got, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(got) != len(table.Rows)+1 || !slices.Equal(got[0], table.Head) || len(got) < 4 {
			t.Errorf("%s: %d records of %d rows, %v", name, len(got), len(table.Rows), err)
		}
	}
	devices := AllDevices(rows).Rows
	if len(devices) != 4 || !slices.Equal(devices[3][:4], []string{"lstm", "a|b.txt", "cpu generic", `failed: no, "this" is not`}) {
		t.Errorf("by device: %q", devices)
	}
}

// TestDevicesTwice: of what was measured twice the later row counts; numbers of
// threads are told apart.
func TestDevicesTwice(t *testing.T) {
	rows := testRows()[:2]
	again := rows[0]
	again.CompressBytesPerSecond = 7
	one := rows[1]
	one.Threads = 1
	got := Devices(append(rows, again, one))
	if len(got) != 1 || len(got[0].Rows) != 3 {
		t.Fatalf("%+v", got)
	}
	if r := got[0].Rows; r[0][0] != "cpu avx2, 2 threads" || r[0][1] != "7.00" || r[2][0] != "cpu generic, 1 thread" {
		t.Errorf("%q", r)
	}
	if got := Devices(rows[:1]); got != nil {
		t.Errorf("a single device has a table: %+v", got)
	}
}

// TestBare: a model without mixing is a case of its own.
func TestBare(t *testing.T) {
	rows := testRows()[:1]
	bare := rows[0]
	bare.NoMix, bare.CompressedBytes, bare.File = true, 4000, smallFile
	rows[0].File = smallFile
	bare.settle()
	both := []Row{bare, rows[0]}
	if r := find(both, "gru", smallFile); r == nil || r.NoMix {
		t.Errorf("beside the prototype stands %+v", r)
	}
	if got := Compare(both[:1], both[1:]); len(got) != 0 {
		t.Errorf("compared with each other: %+v", got)
	}
	glance := Glance(plain(both)).Rows
	if len(glance) != 2 || glance[0][0] != "gru" || glance[1][0] != "gru (--no-mix)" {
		t.Errorf("%q", glance)
	}
}

// The results come file by file, the smallest first, what failed last; speeds have no
// hundredths of a byte.
func TestResultsAreRanked(t *testing.T) {
	var rows []Row
	for _, r := range []struct {
		model, file string
		bpc         float64
		err         string
	}{{"zip-9", "b", 2.85, ""}, {"gru", "a", 1.5, ""}, {"bad", "b", 0, "no luck"}, {"xz-9", "a", 2.5, ""}, {"gru", "b", 1.6, ""}, {"none", "a", 1.9, ""}} {
		rows = append(rows, Row{Model: r.model, File: r.file, BPC: r.bpc, Error: r.err, CompressBytesPerSecond: 148050231.33, Kind: KindModel})
	}
	var got []string
	table := Results(rows)
	for _, r := range table.Rows {
		got = append(got, r[1]+" "+r[0])
	}
	if want := "b gru,b zip-9,b bad,a gru,a none,a xz-9"; strings.Join(got, ",") != want {
		t.Errorf("%v, want %s", got, want)
	}
	var text, csv strings.Builder
	if err := errors.Join(table.WriteText(&text, 0), table.WriteCSV(&csv)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "148,050,231 ") || strings.Contains(text.String(), ".33") || !strings.Contains(csv.String(), ",148050231,") {
		t.Errorf("speeds:\n%s%s", text.String(), csv.String())
	}
}
