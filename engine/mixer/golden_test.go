package mixer

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"testing"
)

// TestGolden pins every probability: all machines, and all programs that write the
// same mixer version, must agree on them.
func TestGolden(t *testing.T) {
	blocks := testBlocks(t)
	for version, want := range map[int]string{
		1: "6d33fbc4f04dcaff3c74d3c904c92aaf",
		2: "3aa320ffe63ee6870a92e771a9cd6d56",
	} {
		h := fnv.New128a()
		add := func(tape *bitTape) {
			var b [4]byte
			for _, p := range tape.p {
				binary.LittleEndian.PutUint32(b[:], p)
				h.Write(b[:])
			}
		}
		for _, name := range []string{"text", "records", "mixed"} {
			for _, model := range []bool{false, true} {
				add(roundTrip(t, blocks[name], Config{Version: version, Lanes: 3, Model: model}))
			}
			if version > 1 {
				add(roundTrip(t, blocks[name], Config{Version: version, Lanes: 3, Model: true, Stretches: true}))
				add(roundTrip(t, blocks[name], Config{Version: version, Lanes: 1, Model: true, Rests: true}))
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("version %d: hash of the probabilities: %s, want %s", version, got, want)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, data := range testBlocks(f) {
		f.Add(data[:min(len(data), 300)], uint8(2), true, true, uint8(2))
	}
	f.Fuzz(func(t *testing.T, data []byte, lanes uint8, model, stretches bool, version uint8) {
		if len(data) > 4096 {
			return
		}
		roundTrip(t, data, Config{
			Version: int(version) % (Version + 1), Lanes: 1 + int(lanes)%max(1, min(len(data), 32)), Model: model, Stretches: model && stretches,
		})
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
