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
	worth  []uint64
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

// note takes what a stretch has cost, which decides how a block goes on.
func (c *bitTape) note(mixed, alone uint64) {
	if !c.decode {
		c.worth = append(c.worth, mixed, alone)
		return
	}
	if len(c.worth) < 2 || c.worth[0] != mixed || c.worth[1] != alone {
		c.bad = true
		return
	}
	c.worth = c.worth[2:]
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
	part := func(from, n, lanes int, model bool) {
		for step := 0; step*lanes < n; step++ {
			start := from
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
					if model {
						total := fakeFreqs(freqs, step, i, prev)
						out[start+step] = x.Code(c, i, freqs, total, sym)
					} else {
						out[start+step] = x.Code(c, i, nil, 0, sym)
					}
				}
				start += size
			}
		}
	}
	if cfg.Rests {
		// With the model or without, and judged or not, now and then.
		x.Judge(50)
		for i := range out {
			var sym, prev byte
			if data != nil {
				sym = data[i]
			}
			if i > 0 {
				prev = out[i-1]
			}
			switch i % 700 {
			case 300:
				x.Rest()
			case 500:
				x.Judge(i % 90)
			case 600:
				x.Fade()
			}
			if x.Easy() || i>>4%3 == 0 {
				out[i] = x.Code(c, 0, nil, 0, sym)
			} else {
				out[i] = x.Code(c, 0, freqs, fakeFreqs(freqs, i, 0, prev), sym)
			}
			if tape, ok := c.(*bitTape); ok && i%100 == 99 {
				mixed, alone := x.Worth()
				tape.note(mixed, alone+uint64(x.Judged()))
			}
		}
		return out
	}
	if !cfg.Stretches {
		part(0, cfg.BlockLen, cfg.Lanes, cfg.Model)
		return out
	}
	// Stretches of all lengths, now and then without the model.
	for at, k := 0, 0; at < cfg.BlockLen; k++ {
		n := min(1<<(k%9)*3, cfg.BlockLen-at)
		model := k%4 != 3
		if model {
			x.Begin(at+n, min(cfg.Lanes, n))
			part(at, n, min(cfg.Lanes, n), true)
			if tape, ok := c.(*bitTape); ok {
				tape.note(x.Worth())
			}
		} else {
			x.Begin(at+n, 0)
			part(at, n, 1, false)
		}
		at += n
	}
	return out
}

func roundTrip(t *testing.T, data []byte, cfg Config) *bitTape {
	t.Helper()
	cfg.BlockLen, cfg.Kind = len(data), Detect(data)
	tape := &bitTape{}
	runBlock(t, tape, cfg, data)
	// The block's own memory must serve as well, whatever is in it ahead of the coding.
	cfg.History = bytes.Clone(data)
	shared := &bitTape{}
	runBlock(t, shared, cfg, data)
	if !slices.Equal(shared.p, tape.p) {
		t.Fatalf("%d lanes, model %v: other probabilities where the history is the block", cfg.Lanes, cfg.Model)
	}
	cfg.History = bytes.Repeat([]byte{0xa5}, len(data))
	tape.decode = true
	got := runBlock(t, tape, cfg, nil)
	if !bytes.Equal(got, data) {
		t.Fatalf("%d lanes, model %v: decoded block differs", cfg.Lanes, cfg.Model)
	}
	if tape.bad || tape.at != len(tape.bits) {
		t.Fatalf("%d lanes, model %v: decoder's probabilities differ", cfg.Lanes, cfg.Model)
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
					roundTrip(t, data, Config{Lanes: lanes, Model: model})
				}
				if lanes == 1 {
					roundTrip(t, data, Config{Lanes: 1, Model: true, Rests: true})
				}
				if lanes == 3 {
					roundTrip(t, data, Config{Version: 1, Lanes: lanes, Model: true})
					roundTrip(t, data, Config{Lanes: lanes, Model: true, Stretches: true})
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
		cfg := Config{Version: r.IntN(Version + 1), Lanes: 1 + r.IntN(32), Model: r.IntN(2) == 1}
		cfg.Stretches = cfg.Model && r.IntN(2) == 1
		cfg.Rests = cfg.Model && cfg.Lanes == 1
		if cfg.Rests {
			cfg.Stretches = false
		}
		roundTrip(t, data, cfg)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, cfg := range []Config{
		{BlockLen: -1, Lanes: 1},
		{BlockLen: MaxBlockLen + 1, Lanes: 1},
		{BlockLen: 10, Lanes: 0},
		{BlockLen: 10, Lanes: 1, Version: -1},
		{BlockLen: 10, Lanes: 1, Version: Version + 1},
		{BlockLen: 10, Lanes: 11},
		{BlockLen: 10, Lanes: 2, Rests: true},
		{BlockLen: 10, Lanes: 1, Stretches: true, Rests: true},
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
		{BlockLen: 3 << 20, Lanes: 8, Model: true, Stretches: true},
		{BlockLen: 3 << 20, Lanes: 1, Model: true, Rests: true},
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
