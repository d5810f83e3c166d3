package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/llmz/llmz/engine/bench"
)

func row(model string, kind bench.Kind, speed, ratio float64) bench.Row {
	r := bench.Row{
		Op: "bench", File: "alice29.txt", Model: model, Kind: kind, OriginalBytes: 152089, CompressedBytes: int64(152089 / ratio),
		Ratio: ratio, BPC: 8 / ratio, CompressBytesPerSecond: speed, Verified: true, Threads: 2, Lanes: 16,
	}
	if kind == bench.KindModel {
		r.Profile = map[string]float64{"model_infer": 6, "mix": 2, "arith_encode": 0.5, "read_file": 0.0001, "other": 0.3}
		if model == "none" {
			r.Profile = map[string]float64{"mix": 2, "arith_encode": 0.5, "other": 0.3}
		}
		for i := int64(1); i <= 50; i++ {
			n := r.OriginalBytes * i / 50
			r.Curve = append(r.Curve, [2]int64{n, int64(float64(n)/ratio*(1+1/math.Sqrt(float64(i)))) + 50})
		}
	}
	return r
}

func sampleRows() []bench.Row {
	rows := []bench.Row{
		row("gru", bench.KindModel, 42_000, 4.3), row("lstm", bench.KindModel, 210_000, 3.9), row("none", bench.KindModel, 600_000, 3.6),
		row("zip-9", bench.KindClassic, 11e6, 2.797), row("gzip-9", bench.KindClassic, 11.5e6, 2.80), row("bzip2-9", bench.KindClassic, 5.8e6, 3.24),
		row("xz-9", bench.KindClassic, 4.7e6, 2.83), row("zstd-3", bench.KindClassic, 30e6, 2.70), row("zstd-best", bench.KindClassic, 5.1e6, 2.89),
		row("brotli-11", bench.KindClassic, 250_000, 3.27),
		row("xz -9e", bench.KindPeer, 2e6, 3.13), row("7z PPMd", bench.KindPeer, 4e6, 3.9), row("zpaq -m5", bench.KindPeer, 90_000, 4.04),
	}
	for _, threads := range []int{1, 4} {
		for _, m := range []string{"gru", "lstm"} {
			r := row(m, bench.KindModel, 30_000*float64(threads)*float64(len(m)), 4)
			r.Threads = threads
			rows = append(rows, r)
		}
	}
	for _, lanes := range []int{1, 4, 16, 64} {
		r := row("gru", bench.KindModel, 12_000*math.Sqrt(float64(lanes)), 4)
		r.Lanes, r.LanesAsked = lanes, lanes
		rows = append(rows, r)
	}
	for _, n := range []int64{1000, 10_000, 100_000} {
		for _, m := range []string{"gru", "lstm"} {
			r := row(m, bench.KindModel, 5000*math.Log(float64(n))*float64(len(m)-2), 4)
			r.OriginalBytes, r.Limit, r.File = n, n, "alice29.txt (first "+bytesLabel(float64(n))+")"
			rows = append(rows, r)
		}
	}
	return append(rows, bench.Row{Op: "bench", File: "alice29.txt", Model: "broken", Error: "no"})
}

// TestWrite draws all figures and makes sure that both formats can be read.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if keep := os.Getenv("LLMZ_KEEP_PLOTS"); keep != "" {
		dir = keep
	}
	paths, err := Write(t.Context(), filepath.Join(dir, "new"), sampleRows())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Base(path))
		if strings.HasSuffix(path, ".png") {
			img, err := png.Decode(bytes.NewReader(b))
			if err != nil {
				t.Errorf("%s: %v", path, err)
			} else if img.Bounds().Dx() != 1296 {
				t.Errorf("%s is %v", path, img.Bounds())
			}
			continue
		}
		dec := xml.NewDecoder(bytes.NewReader(b))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", path, err)
				break
			}
		}
		if strings.HasSuffix(path, "speed-ratio-alice29-txt.svg") {
			for _, want := range []string{"brotli-11", "7z PPMd", "Pareto front", "Arial"} {
				if !bytes.Contains(b, []byte(want)) {
					t.Errorf("%s does not say %q", path, want)
				}
			}
			if bytes.Contains(b, []byte("broken")) {
				t.Errorf("%s shows a row that failed", path)
			}
		}
	}
	slices.Sort(names)
	want := "bpc-alice29-txt scaling-lanes scaling-size scaling-threads speed-ratio-alice29-txt stages-alice29-txt"
	for _, w := range strings.Fields(want) {
		for _, ext := range []string{".svg", ".png"} {
			if !slices.Contains(names, w+ext) {
				t.Errorf("no %s among %v", w+ext, names)
			}
		}
	}
	if len(names) != 12 {
		t.Errorf("%d files: %v", len(names), names)
	}
}

func TestNothingToDraw(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	paths, err := Write(t.Context(), dir, []bench.Row{{Model: "x", Error: "broken"}})
	if err != nil || len(paths) != 0 {
		t.Errorf("%v, %v", paths, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a directory was made for nothing")
	}
}

func TestFront(t *testing.T) {
	rows := []bench.Row{
		row("slow and small", bench.KindModel, 10, 5), row("beaten", bench.KindModel, 9, 4), row("fast", bench.KindClassic, 100, 2),
		row("middle", bench.KindClassic, 50, 3), row("as good as middle", bench.KindClassic, 50, 3), row("also beaten", bench.KindPeer, 40, 2.5),
	}
	var names []string
	for _, r := range front(rows) {
		names = append(names, r.Model)
	}
	if len(names) != 3 || names[0] != "fast" || names[2] != "slow and small" {
		t.Errorf("front: %q", names)
	}
}

// A bare model is another compressor than the mixed one, even where it is faster,
// and other lanes than the model's own choice are another ratio.
func TestBest(t *testing.T) {
	wide := row("gru", bench.KindModel, 50_000, 4.9)
	wide.Lanes, wide.LanesAsked = 64, 64
	bare := row("gru", bench.KindModel, 60_000, 4)
	bare.NoMix = true
	rows := []bench.Row{row("gru", bench.KindModel, 30_000, 5), bare, wide, row("gru", bench.KindModel, 40_000, 5), row("lstm", bench.KindModel, 90_000, 4)}
	var got []string
	for _, r := range best(rows, "alice29.txt") {
		got = append(got, fmt.Sprintf("%s %.0f", r.Name(), r.CompressBytesPerSecond))
	}
	if want := []string{"gru 40000", "gru (--no-mix) 60000", "lstm 90000"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
