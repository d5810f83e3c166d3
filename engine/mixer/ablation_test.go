package mixer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// blockCost returns the ideal bits per byte of data as one lane without a model,
// with some parts switched off.
func blockCost(t testing.TB, data []byte, drop parts) float64 {
	t.Helper()
	x, err := New(Config{BlockLen: len(data), Lanes: 1, Kind: Detect(data)})
	if err != nil {
		t.Fatal(err)
	}
	x.drop = drop
	var c costCoder
	for _, b := range data {
		x.Code(&c, 0, nil, 0, b)
	}
	return c.cost / float64(len(data))
}

// namedFiles returns the files that the environment variable matches, and skips the
// test where it is not set.
func namedFiles(t *testing.T, variable string) []string {
	t.Helper()
	glob := os.Getenv(variable)
	if glob == "" {
		t.Skip(variable + " is not set")
	}
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	return files
}

// TestAblation prints what each part is worth on the files that LLMZ_ABLATION
// matches, as the table in README.md.
func TestAblation(t *testing.T) {
	files := namedFiles(t, "LLMZ_ABLATION")
	row := func(name string, drop parts) {
		cells := []string{name}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			cells = append(cells, fmt.Sprintf("%.4f", blockCost(t, data, drop)))
		}
		fmt.Println("| " + strings.Join(cells, " | ") + " |")
	}
	var head []string
	for _, f := range files {
		head = append(head, filepath.Base(f))
	}
	fmt.Println("| without | " + strings.Join(head, " | ") + " |")
	row("(nothing)", 0)
	for i := range numCtx {
		row(fmt.Sprintf("context %d", i), 1<<i)
	}
	for _, p := range []struct {
		name string
		part parts
	}{
		{"short match", partMatchShort}, {"long match", partMatchLong}, {"order 0-2 tables", partOrders},
		{"final maps", partAPM}, {"linear inputs", partLinear}, {"selected weights", partSets},
	} {
		row(p.name, p.part)
	}
}

// TestPartsMatter checks that the parts that carry most do so, so that one that
// has silently stopped working is noticed.
func TestPartsMatter(t *testing.T) {
	text := testBlocks(t)["text"]
	twice := append(append([]byte{}, text[:2000]...), text[:2000]...)
	all := blockCost(t, twice, 0)
	for name, p := range map[string]parts{
		"contexts": 1<<numCtx - 1, "matches": partMatchShort | partMatchLong, "selected weights": partSets,
	} {
		if got := blockCost(t, twice, p); got <= all {
			t.Errorf("without %s: %.4f bits per byte, with: %.4f", name, got, all)
		}
	}
}
