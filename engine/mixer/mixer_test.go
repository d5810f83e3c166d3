package mixer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
)

// bitTape records the probabilities and bits of an encoder and replays the bits to
// a decoder, checking that it sees the same probabilities.
type bitTape struct {
	p      []uint32
	bits   []uint8
	at     int
	decode bool
	bad    bool
}

func (c *bitTape) Bit(p1 uint32, bit int) int {
	if p1 == 0 || p1 > 65535 {
		c.bad = true
	}
	if !c.decode {
		c.p = append(c.p, p1)
		c.bits = append(c.bits, uint8(bit))
		return bit
	}
	if c.at >= len(c.bits) {
		c.bad = true
		return 0
	}
	if c.p[c.at] != p1 {
		c.bad = true
	}
	c.at++
	return int(c.bits[c.at-1])
}

// fakeFreqs fills f with made-up frequencies that depend on the step, the lane and
// the byte before.
func fakeFreqs(f []uint32, step, lane int, prev byte) uint32 {
	var total uint32
	for i := range f {
		h := uint32(i*2654435761) ^ uint32(step)*40503 ^ uint32(lane)<<16 ^ uint32(prev)*97
		h ^= h >> 13
		h *= 0x5bd1e995
		f[i] = 1 + h>>(8+h&15)
		total += f[i]
	}
	return total
}

// runBlock codes data with x and returns what came out.
func runBlock(t testing.TB, c BitCoder, cfg Config, data []byte) []byte {
	t.Helper()
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, cfg.BlockLen)
	freqs := make([]uint32, 256)
	n, lanes := cfg.BlockLen, cfg.Lanes
	for step := 0; step*lanes < n; step++ {
		start := 0
		for i := range lanes {
			size := n / lanes
			if i < n%lanes {
				size++
			}
			if step < size {
				var sym, prev byte
				if data != nil {
					sym = data[start+step]
				}
				if step > 0 {
					prev = out[start+step-1]
				}
				if cfg.Model {
					total := fakeFreqs(freqs, step, i, prev)
					out[start+step] = x.Code(c, i, freqs, total, sym)
				} else {
					out[start+step] = x.Code(c, i, nil, 0, sym)
				}
			}
			start += size
		}
	}
	return out
}

func roundTrip(t *testing.T, data []byte, lanes int, model bool) *bitTape {
	t.Helper()
	cfg := Config{BlockLen: len(data), Lanes: lanes, Kind: Detect(data), Model: model}
	tape := &bitTape{}
	runBlock(t, tape, cfg, data)
	// The block's own memory must serve as well, whatever is in it ahead of the coding.
	cfg.History = bytes.Clone(data)
	shared := &bitTape{}
	runBlock(t, shared, cfg, data)
	if !slices.Equal(shared.p, tape.p) {
		t.Fatalf("%d lanes, model %v: other probabilities where the history is the block", lanes, model)
	}
	cfg.History = bytes.Repeat([]byte{0xa5}, len(data))
	tape.decode = true
	got := runBlock(t, tape, cfg, nil)
	if !bytes.Equal(got, data) {
		t.Fatalf("%d lanes, model %v: decoded block differs", lanes, model)
	}
	if tape.bad || tape.at != len(tape.bits) {
		t.Fatalf("%d lanes, model %v: decoder's probabilities differ", lanes, model)
	}
	return tape
}

func testBlocks(t testing.TB) map[string][]byte {
	alice, err := os.ReadFile("../../testdata/alice29.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 1500)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	all := make([]byte, 1024)
	records := []byte{}
	for i := range all {
		all[i] = byte(i)
		records = fmt.Appendf(records, "%c%c%c\x00rec%d,", i, i>>1, i*i, i%7)
	}
	return map[string][]byte{
		"empty":       {},
		"one":         {42},
		"zeros":       make([]byte, 2500),
		"all":         all,
		"random":      random,
		"records":     records,
		"text":        alice[:4000],
		"empty lines": bytes.Repeat([]byte("\n\nx\n\n\nyz\n"), 150),
		"lane ends":   bytes.Repeat(append(make([]byte, 9), "abcdefghijk0123456789"...), 64),
		// The last lane's start is the only place where so many zeros seemed to be before.
		"late zeros": slices.Concat(alice[:300], make([]byte, 12), alice[300:3000]),
		"mixed":      append(append(append([]byte{}, alice[5000:6500]...), random[:800]...), alice[5000:6500]...),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, data := range testBlocks(t) {
		t.Run(name, func(t *testing.T) {
			for _, lanes := range []int{1, 2, 3, 16, 32} {
				if lanes > max(len(data), 1) {
					continue
				}
				for _, model := range []bool{false, true} {
					roundTrip(t, data, lanes, model)
				}
			}
		})
	}
}

// TestPatchwork puts blocks together from zeros, text, noise and what they had before,
// so that lanes begin and end in all of them.
func TestPatchwork(t *testing.T) {
	text := testBlocks(t)["text"]
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	for round := range rounds {
		r := rand.New(rand.NewPCG(11, uint64(round)))
		var data []byte
		for n := 200 + r.IntN(2500); len(data) < n; {
			k := 1 + r.IntN(120)
			at := r.IntN(len(text) - k)
			switch r.IntN(5) {
			case 0:
				data = append(data, make([]byte, k/4)...)
			case 1:
				data = append(data, bytes.Repeat([]byte{byte(r.IntN(256))}, k/3)...)
			case 2:
				for range k / 4 {
					data = append(data, byte(r.IntN(256)))
				}
			case 3:
				data = append(data, text[at:at+k]...)
			case 4:
				k = min(k, len(data))
				at = r.IntN(len(data) - k + 1)
				data = append(data, data[at:at+k]...)
			}
		}
		roundTrip(t, data, 1+r.IntN(32), r.IntN(2) == 1)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, cfg := range []Config{
		{BlockLen: -1, Lanes: 1},
		{BlockLen: MaxBlockLen + 1, Lanes: 1},
		{BlockLen: 10, Lanes: 0},
		{BlockLen: 10, Lanes: 11},
		{BlockLen: 10, Lanes: 1, Kind: 99},
		{BlockLen: 10, Lanes: 1, History: make([]byte, 9)},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New(%+v) succeeded", cfg)
		}
	}
}

// TestMemoryBytes compares the stated memory with what is allocated.
func TestMemoryBytes(t *testing.T) {
	for _, cfg := range []Config{
		{BlockLen: 0, Lanes: 1},
		{BlockLen: 10000, Lanes: 1},
		{BlockLen: 10000, Lanes: 1, Model: true},
		{BlockLen: 3 << 20, Lanes: 16, Model: true},
	} {
		want := MemoryBytes(cfg)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := New(cfg); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		got := int64(after.TotalAlloc - before.TotalAlloc)
		if got > want+want/50+64<<10 || got < want-want/50-64<<10 {
			t.Errorf("%+v: %d bytes, stated %d", cfg, got, want)
		}
	}
}
