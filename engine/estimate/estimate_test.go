package estimate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/llmz/llmz/engine"
)

func text(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var alone = engine.Options{NoModel: true, Threads: 1}

// TestWhole: with time enough, an estimate is no estimate.
func TestWhole(t *testing.T) {
	in := text(t)[:40_000]
	p, err := File(t.Context(), bytes.NewReader(in), int64(len(in)), alone, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r, err := engine.Compress(t.Context(), io.Discard, bytes.NewReader(in), alone)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Exact || p.CompressedBytes != r.CompressedBytes || p.SampledBytes != int64(len(in)) || p.Elapsed <= 0 || p.MemoryBytes <= 0 || p.Lanes != 1 {
		t.Errorf("%+v, want exactly %d bytes", p, r.CompressedBytes)
	}
}

// TestPart: a sample comes close to the size.
func TestPart(t *testing.T) {
	in := text(t)
	r, err := engine.Compress(t.Context(), io.Discard, bytes.NewReader(in), alone)
	if err != nil {
		t.Fatal(err)
	}
	block := func() *io.SectionReader { return io.NewSectionReader(bytes.NewReader(in), 0, int64(len(in))) }
	s, err := sampleBlock(t.Context(), block(), alone, 0)
	if err != nil {
		t.Fatal(err)
	}
	if s.whole || len(s.marks) == 0 {
		t.Fatalf("the sample ended by itself, with %d marks", len(s.marks))
	}
	// Go by a run's own marks, so that the machine's speed does not matter.
	all, err := sampleBlock(t.Context(), block(), alone, time.Hour)
	if err != nil || !all.whole {
		t.Fatalf("whole sample: %v", err)
	}
	if len(all.marks) < 8 {
		t.Skip("the machine is too fast to have left marks")
	}
	for i, m := range all.marks {
		if m.bytes >= int64(len(in)/8) {
			all.marks = all.marks[:i+1]
			break
		}
	}
	all.whole = false
	b, err := all.forecast(t.Context(), alone)
	if err != nil {
		t.Fatal(err)
	}
	if off := b.size/float64(r.CompressedBytes) - 1; math.Abs(off) > 0.15 {
		t.Errorf("%.0f bytes from the first %d, want %d: %+.1f%%", b.size, b.sampled, r.CompressedBytes, 100*off)
	}
	if b.seconds < all.marks[len(all.marks)-1].at.Seconds() {
		t.Errorf("%v seconds for all, %v for a part", b.seconds, all.marks[len(all.marks)-1].at)
	}
}

// TestOrAlone: what the mixer alone comes to counts only where it is less.
func TestOrAlone(t *testing.T) {
	in := text(t)[:40_000]
	r, err := engine.Compress(t.Context(), io.Discard, bytes.NewReader(in), alone)
	if err != nil {
		t.Fatal(err)
	}
	for _, with := range []float64{1, 1e6} {
		b := blockForecast{size: with, seconds: 5, sampled: 100}
		got, err := b.orAlone(t.Context(), io.NewSectionReader(bytes.NewReader(in), 0, int64(len(in))), engine.Options{Threads: 1}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want := math.Min(with, float64(r.CompressedBytes))
		if got.size != want || got.sampled != 100 || (got.seconds > 5) != (want < with) {
			t.Errorf("%+v from %+v, want %v bytes", got, b, want)
		}
	}
}

func TestNoise(t *testing.T) {
	in := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range in {
		in[i] = byte(r.Uint32())
	}
	p, err := File(t.Context(), bytes.NewReader(in), int64(len(in)), alone, time.Second)
	if err != nil || p.CompressedBytes < 199_000 || p.CompressedBytes > 201_000 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestManyBlocks(t *testing.T) {
	in := bytes.Repeat(text(t)[:5000], 9)
	o := alone
	o.BlockSize = 5000
	p, err := File(t.Context(), bytes.NewReader(in), int64(len(in)), o, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r, err := engine.Compress(t.Context(), io.Discard, bytes.NewReader(in), o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Exact || p.SampledBytes != 3*5000 {
		t.Errorf("sampled %d bytes", p.SampledBytes)
	}
	if off := float64(p.CompressedBytes)/float64(r.CompressedBytes) - 1; math.Abs(off) > 0.1 {
		t.Errorf("%d bytes, want %d", p.CompressedBytes, r.CompressedBytes)
	}
}

func TestErrors(t *testing.T) {
	if p, err := File(t.Context(), bytes.NewReader(nil), 0, alone, time.Second); err != nil || !p.Exact || p.BPC() != 0 {
		t.Errorf("empty file: %+v, %v", p, err)
	}
	if _, err := File(t.Context(), bytes.NewReader([]byte("short")), 100, alone, time.Second); err == nil {
		t.Error("a file that is shorter than said was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := File(ctx, bytes.NewReader(text(t)), 100_000, alone, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSpread(t *testing.T) {
	in := make([]byte, 16*3*chunk+777)
	for i := range in {
		in[i] = byte(i / chunk)
	}
	out := spread(in)
	if len(out) != len(in) || bytes.Equal(out, in) {
		t.Fatalf("%d bytes of %d", len(out), len(in))
	}
	var a, b [256]int
	for i := range in {
		a[in[i]]++
		b[out[i]]++
	}
	if a != b {
		t.Error("the content changed")
	}
	// The first pieces come from all over the block.
	if first := out[15*chunk]; int(first) < 40 {
		t.Errorf("the sixteenth piece is number %d", first)
	}
	if small := in[:1000]; !bytes.Equal(spread(small), small) {
		t.Error("a small block was reordered")
	}
}

func TestCoded(t *testing.T) {
	s := sampled{data: []byte("abcdefghij"), lanes: 3} // abcd efg hij
	if got := string(s.coded(6)); got != "abefhi" {
		t.Errorf("%q", got)
	}
	if got := string(s.coded(10)); got != "abcefghij" {
		t.Errorf("%q", got)
	}
}

func TestTrained(t *testing.T) {
	for _, c := range []struct {
		gain, quick float64
		bare        bool
		want        float64
	}{{-0.1, -0.2, false, 0.55}, {-0.5, -0.2, false, 0.8}, {0.1, -0.2, false, 0.3}, {0, 0, false, 0.6}, {-0.02, -0.2, true, 0.1}} {
		if got := trained(c.gain, c.quick, c.bare); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("trained(%v, %v, %v) = %v, want %v", c.gain, c.quick, c.bare, got, c.want)
		}
	}
}
