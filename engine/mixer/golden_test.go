package mixer

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"testing"
)

// TestGolden pins every probability: all machines, and all versions that write the
// same mixer version, must agree on them.
func TestGolden(t *testing.T) {
	blocks := testBlocks(t)
	h := fnv.New128a()
	var b [4]byte
	for _, name := range []string{"text", "records", "mixed"} {
		for _, model := range []bool{false, true} {
			for _, p := range roundTrip(t, blocks[name], 3, model).p {
				binary.LittleEndian.PutUint32(b[:], p)
				h.Write(b[:])
			}
		}
	}
	const want = "6d33fbc4f04dcaff3c74d3c904c92aaf"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("hash of the probabilities: %s, want %s", got, want)
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, data := range testBlocks(f) {
		f.Add(data[:min(len(data), 300)], uint8(2), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, lanes uint8, model bool) {
		if len(data) > 4096 {
			return
		}
		roundTrip(t, data, 1+int(lanes)%max(1, min(len(data), 32)), model)
	})
}

// BenchmarkCode codes text without a model.
func BenchmarkCode(b *testing.B) {
	text := testBlocks(b)["text"]
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		x, err := New(Config{BlockLen: len(text), Lanes: 1})
		if err != nil {
			b.Fatal(err)
		}
		var c costCoder
		b.StartTimer()
		for _, s := range text {
			x.Code(&c, 0, nil, 0, s)
		}
		b.ReportMetric(c.cost/float64(len(text)), "bpc")
	}
}
