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
	"github.com/llmz/llmz/models"
)

func text(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var mixer = engine.Options{NoModel: true, Threads: 1}

// TestWhole: with time enough, an estimate is no estimate.
func TestWhole(t *testing.T) {
	in := text(t)[:40_000]
	p, err := NewFile(bytes.NewReader(in), int64(len(in)), time.Hour).Predict(t.Context(), mixer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := engine.Compress(t.Context(), io.Discard, bytes.NewReader(in), mixer)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Exact || p.CompressedBytes != r.CompressedBytes || p.SampledBytes != int64(len(in)) || p.Elapsed <= 0 || p.MemoryBytes <= 0 || p.Lanes != 1 {
		t.Errorf("%+v, want exactly %d bytes", p, r.CompressedBytes)
	}
}

// TestModel: a small sample tells about all of a text, with a model and bare.
func TestModel(t *testing.T) {
	m, err := models.Bundled(t.Context(), "lstm")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	in := text(t)[:60_000]
	f := NewFile(bytes.NewReader(in), int64(len(in)), time.Nanosecond)
	for _, noMix := range []bool{false, true} {
		o := engine.Options{Model: m, NoMix: noMix, Threads: 1}
		r, err := engine.Compress(t.Context(), io.Discard, bytes.NewReader(in), o)
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.Predict(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if off := float64(p.CompressedBytes)/float64(r.CompressedBytes) - 1; math.Abs(off) > 0.12 || p.Exact {
			t.Errorf("no mix %v: %d bytes from %d, want %d: %+.1f%%", noMix, p.CompressedBytes, p.SampledBytes, r.CompressedBytes, 100*off)
		}
		if p.Lanes != r.Lanes || p.Elapsed <= 0 {
			t.Errorf("no mix %v: %d lanes in %v, want %d", noMix, p.Lanes, p.Elapsed, r.Lanes)
		}
		quick, err := f.Time(t.Context(), o)
		if err != nil || quick.Elapsed <= 0 || quick.MemoryBytes != p.MemoryBytes {
			t.Errorf("no mix %v: the time alone: %+v, %v", noMix, quick, err)
		}
	}
}

func TestNoise(t *testing.T) {
	in := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range in {
		in[i] = byte(r.Uint32())
	}
	p, err := NewFile(bytes.NewReader(in), int64(len(in)), time.Second).Predict(t.Context(), mixer)
	if err != nil || p.CompressedBytes < 199_000 || p.CompressedBytes > 201_000 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestManyBlocks(t *testing.T) {
	in := bytes.Repeat(text(t)[:5000], 9)
	o := mixer
	o.BlockSize = 5000
	p, err := NewFile(bytes.NewReader(in), int64(len(in)), time.Hour).Predict(t.Context(), o)
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
	if p, err := NewFile(bytes.NewReader(nil), 0, time.Second).Predict(t.Context(), mixer); err != nil || !p.Exact || p.BPC() != 0 {
		t.Errorf("empty file: %+v, %v", p, err)
	}
	if _, err := NewFile(bytes.NewReader([]byte("short")), 100, time.Second).Predict(t.Context(), mixer); err == nil {
		t.Error("a file that is shorter than said was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewFile(bytes.NewReader(text(t)), 100_000, time.Second).Predict(ctx, mixer); !errors.Is(err, context.Canceled) {
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
	if first, second := out[0], out[chunk]; first != 0 || second < 16 || second > 32 {
		t.Errorf("the first pieces are numbers %d and %d", first, second)
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

// TestTogether: what a model and the mixer make together of the sample is what was
// seen, and the better the mixer gets, the less the model counts.
func TestTogether(t *testing.T) {
	if got := together(ownRate(0.25, 0.3), 0.3); math.Abs(got-0.25) > 1e-9 {
		t.Errorf("in the sample %v, want 0.25", got)
	}
	own := ownRate(0.25, 0.3)
	if got := together(own, 0.1); got > 0.1 || got < 0.099 {
		t.Errorf("beside a mixer that needs 0.1: %v", got)
	}
	if got := together(own, 8); math.Abs(got-own) > 1e-4 {
		t.Errorf("without the mixer's help %v, want %v", got, own)
	}
	if got := together(ownRate(0.31, 0.3), 0.2); math.Abs(got-0.2) > 1e-9 {
		t.Errorf("beside a model that is no help: %v, want 0.2", got)
	}
}

func TestTriesAlone(t *testing.T) {
	m, err := models.Bundled(t.Context(), "lstm")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	o := engine.Options{Model: m}
	for _, c := range []struct {
		own, mixed float64
		want       bool
	}{{math.Inf(1), 0.2, true}, {0.24, 0.2, false}, {0.28, 0.2, true}, {0.205, 0.2, true}, {0.9, 0.75, true}} {
		if got := triesAlone(c.own, c.mixed, o); got != c.want {
			t.Errorf("own %v, mixed %v: %v", c.own, c.mixed, got)
		}
	}
}
