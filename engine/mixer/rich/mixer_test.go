package rich

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/lanes"
)

// bitTape records the probabilities and bits of an encoder and replays the bits to a
// decoder, checking that it sees the same probabilities.
type bitTape struct {
	p      []uint32
	bits   []uint8
	at     int
	notes  []uint64
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

// note takes what decides how a block goes on.
func (c *bitTape) note(v ...uint64) {
	if !c.decode {
		c.notes = append(c.notes, v...)
		return
	}
	if len(c.notes) < len(v) || !slices.Equal(c.notes[:len(v)], v) {
		c.bad = true
		return
	}
	c.notes = c.notes[len(v):]
}

// fakeFreqs fills f with made-up frequencies that depend on the step, the lane and the
// byte before.
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

// runBlock codes data and returns what came out; data is nil for decoding.
func runBlock(t testing.TB, c *bitTape, cfg Config, data []byte) []byte {
	t.Helper()
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, cfg.BlockLen)
	if cfg.Stretches {
		runStretches(t, c, x, cfg, data, out)
		return out
	}
	freqs := make([]uint32, 256)
	for step := 0; step*cfg.Lanes < cfg.BlockLen; step++ {
		start := 0
		for i := range cfg.Lanes {
			size := cfg.BlockLen / cfg.Lanes
			if i < cfg.BlockLen%cfg.Lanes {
				size++
			}
			if step < size {
				codeAt(c, x, cfg.Model, i, start+step, step, step > 0, freqs, data, out)
			}
			start += size
		}
	}
	return out
}

func codeAt(c *bitTape, x *Mixer, model bool, lane, pos, step int, hasPrev bool, freqs []uint32, data, out []byte) {
	var sym, prev byte
	if data != nil {
		sym = data[pos]
	}
	if hasPrev {
		prev = out[pos-1]
	}
	if model {
		out[pos] = x.Code(c, lane, freqs, fakeFreqs(freqs, step, lane, prev), sym)
	} else {
		out[pos] = x.Code(c, lane, nil, 0, sym)
	}
}

// checkWorth holds what the kinds' bytes have cost against what all have.
func checkWorth(t testing.TB, x *Mixer, mixed, alone uint64) {
	t.Helper()
	for k := range content.Kind(content.NumKinds) {
		m, a, judged := x.WorthOf(k)
		if (m > 0 || a > 0) != (judged > 0) {
			t.Errorf("%v: %d and %d for %d bytes", k, m, a, judged)
		}
		if x.cfg.Version >= versionByKind && k.IsText() {
			m, a = m*judgeEvery, a*judgeEvery
		}
		mixed, alone = mixed-m, alone-a
	}
	if mixed != 0 || alone != 0 {
		t.Errorf("kinds cost %d and %d less than all", mixed, alone)
	}
}

// runStretches codes data in stretches of all lengths, in several lanes with the model or in
// one without.
func runStretches(t testing.TB, c *bitTape, x *Mixer, cfg Config, data, out []byte) {
	r := rand.New(rand.NewPCG(uint64(cfg.Lanes), uint64(cfg.BlockLen)))
	freqs := make([]uint32, 256)
	for base := 0; base < cfg.BlockLen; {
		n, count, model := min(1+r.IntN(1<<r.IntN(12)), cfg.BlockLen-base), 0, r.IntN(4) > 0
		if model {
			count = min(cfg.Lanes, n)
			if cfg.version() >= versionByKind {
				count = 1 + r.IntN(count)
			}
		}
		x.Begin(base+n, count)
		cut := lanes.Cut{Symbols: n, Lanes: max(count, 1)}
		for step := range cut.Steps() {
			for i := range cut.Active(step) {
				codeAt(c, x, model, i, base+cut.Start(i)+step, step, step > 0, freqs, data, out)
			}
		}
		mixed, alone := x.Worth()
		c.note(mixed, alone)
		checkWorth(t, x, mixed, alone)
		base += n
	}
}

func roundTrip(t testing.TB, data []byte, cfg Config) *bitTape {
	t.Helper()
	cfg.BlockLen = len(data)
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

// testBlocks are blocks of several kinds.
func testBlocks(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/fresh.txt")
	if err != nil {
		t.Fatal(err)
	}
	text = text[:min(len(text), 3000)]
	r := rand.New(rand.NewPCG(1, 2))
	var records []byte
	for i := range 150 {
		records = append(records, byte(i), byte(i>>8), 0, byte(r.IntN(3)), 0xff, 0x80, byte(i*7), byte(r.IntN(256)))
	}
	noise := make([]byte, 700)
	for i := range noise {
		noise[i] = byte(r.IntN(256))
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "text": text, "records": records, "noise": noise,
		"zeros": make([]byte, 2000), "mixed": slices.Concat(text[:900], records, text[:500], noise[:200], text[900:1500]),
	}
}

// plans are ways to describe a block of n bytes.
func plans(n int) []content.Plan {
	all := []content.Plan{nil}
	if n > 0 {
		all = append(all, content.Plan{{Kind: content.Text, Len: n}})
	}
	if n > 900 {
		all = append(all, content.Plan{
			{Kind: content.Source, Len: 300}, {Kind: content.Plain, Len: 333}, {Kind: content.Text, Len: 1},
			{Kind: content.Records, Width: 8, Len: n - 634},
		}, cycle(n, n/30+1))
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	for name, data := range testBlocks(t) {
		t.Run(name, func(t *testing.T) {
			for _, plan := range plans(len(data)) {
				for _, lanes := range []int{1, 3} {
					if lanes > max(1, len(data)) {
						continue
					}
					roundTrip(t, data, Config{Lanes: lanes, Plan: plan, Model: lanes == 1})
					roundTrip(t, data, Config{Lanes: lanes, Plan: plan, Model: true, Stretches: true})
				}
			}
		})
	}
}

// TestKernels holds the vector code of this machine against plain Go.
func TestKernels(t *testing.T) {
	defer func(v bool) { vector = v }(vector)
	data := testBlocks(t)["mixed"]
	cfg := Config{BlockLen: len(data), Lanes: 2, Plan: plans(len(data))[2], Model: true}
	var with, without bitTape
	runBlock(t, &with, cfg, data)
	vector = false
	runBlock(t, &without, cfg, data)
	if !slices.Equal(with.p, without.p) {
		t.Error("vector code and plain Go give other probabilities")
	}
}

// goldens are the hashes of all probabilities of some blocks by version: coded in one go, and in
// stretches.
var goldens = map[int][2]string{
	3: {"e17f2784f95a5f2cbee4e638c1d9922a", "61cf27549cd16b7eb2fa8ccd338705ba"},
	4: {"308b7d3765db5a21cbbff3196ca75f54", "2ed00759bbdce8bee9a34a0b338d91a8"},
	5: {"308b7d3765db5a21cbbff3196ca75f54", "36e365bb9a53ad183c9e83043692efc1"},
	6: {"5aaf74508b418295aeb6743afcb73716", "d8f47f9d5f0b64cdec08dc71551a7f80"},
}

// TestGolden pins every probability: all machines, and all programs that write the same
// mixer version, must agree on them.
func TestGolden(t *testing.T) {
	for version, want := range goldens {
		testGolden(t, version, want)
	}
}

func testGolden(t *testing.T, version int, want [2]string) {
	for i, cfgs := range [2][]Config{{{Lanes: 1}, {Lanes: 3, Model: true}}, {{Lanes: 3, Model: true, Stretches: true}}} {
		h := fnv.New128a()
		for _, name := range []string{"text", "records", "mixed"} {
			data := testBlocks(t)[name]
			for _, plan := range plans(len(data))[1:] {
				for _, cfg := range cfgs {
					cfg.Plan, cfg.Version = plan, version
					var b [4]byte
					for _, p := range roundTrip(t, data, cfg).p {
						binary.LittleEndian.PutUint32(b[:], p)
						h.Write(b[:])
					}
				}
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want[i] {
			t.Errorf("version %d, stretches %v: hash of the probabilities: %s, want %s", version, cfgs[0].Stretches, got, want[i])
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, data := range testBlocks(f) {
		f.Add(data[:min(len(data), 300)], uint8(2), true, true, uint8(2))
	}
	f.Fuzz(func(t *testing.T, data []byte, lanes uint8, model, stretches bool, cut uint8) {
		if len(data) > 4096 || len(data) == 0 {
			return
		}
		at := 1 + int(cut)%len(data)
		plan := content.Plan{{Kind: content.Kind(cut % 16), Width: 8, Step: 4, Len: at}}
		if at < len(data) {
			plan = append(plan, content.Segment{Kind: content.Text, Len: len(data) - at})
		}
		roundTrip(t, data, Config{Version: versionFirst + int(cut/16)%(versionNewest-versionFirst+1), Lanes: 1 + int(lanes)%min(len(data), 32), Plan: plan, Model: model, Stretches: model && stretches})
	})
}

func TestConfig(t *testing.T) {
	for _, cfg := range []Config{
		{BlockLen: -1, Lanes: 1}, {BlockLen: 10, Lanes: 0}, {BlockLen: 10, Lanes: 11},
		{BlockLen: 10, Lanes: 1, History: make([]byte, 9)},
		{BlockLen: 10, Lanes: 1, Version: versionFirst - 1}, {BlockLen: 10, Lanes: 1, Version: versionNewest + 1},
		{BlockLen: 10, Lanes: 1, Plan: content.Plan{{Len: 9}}},
		{BlockLen: 10, Lanes: 1, Plan: content.Plan{{Kind: 200, Len: 10}}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// TestVersions: versions 3 and 4 read text and images alike, and other content each in its own way; versions
// 5 and 6 differ in text only.
func TestVersions(t *testing.T) {
	data := testBlocks(t)["mixed"]
	for k := range content.Kind(content.NumKinds) {
		plan := content.Plan{{Kind: k, Width: 8, Step: 1, Len: len(data)}}
		if k == content.Numbers || k == content.Code {
			plan[0].Step = 4
		}
		old := roundTrip(t, data, Config{Version: 3, Lanes: 1, Plan: plan}).p
		now := roundTrip(t, data, Config{Version: 4, Lanes: 1, Plan: plan}).p
		if other := (reading{k, 4}).units(); slices.Equal(old, now) == other {
			t.Errorf("%v: other probabilities in version 4: %v, want %v", k, !other, other)
		}
		short := data[:80] // their tables are of the same size
		plan[0].Len = len(short)
		full := roundTrip(t, short, Config{Version: versionFull, Lanes: 1, Plan: plan}).p
		lean := roundTrip(t, short, Config{Version: versionLean, Lanes: 1, Plan: plan}).p
		if slices.Equal(full, lean) == k.IsText() {
			t.Errorf("%v: other probabilities in version 6: %v, want %v", k, !k.IsText(), k.IsText())
		}
	}
}

// TestMemory compares MemoryBytes with what is taken once all of a block has been seen.
func TestMemory(t *testing.T) {
	for _, cfg := range []Config{
		{BlockLen: 3000, Lanes: 1}, {BlockLen: 5000, Lanes: 1, Plan: plans(5000)[1]},
		{BlockLen: 5000, Lanes: 4, Model: true, Stretches: true, Plan: plans(5000)[2]},
		{Version: versionLean, BlockLen: 5000, Lanes: 1, Plan: plans(5000)[1]},
		{Version: versionLean, BlockLen: 5000, Lanes: 4, Model: true, Stretches: true, Plan: plans(5000)[2]},
	} {
		cfg.History = bytes.Repeat([]byte("some text, "), 500)[:cfg.BlockLen]
		checkMemory(t, cfg)
	}
}

// checkMemory compares what coding the history takes with what MemoryBytes says.
func checkMemory(t *testing.T, cfg Config) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case cfg.Stretches:
		runStretches(t, &bitTape{}, x, cfg, bytes.Clone(cfg.History), make([]byte, cfg.BlockLen))
	default:
		size := cfg.BlockLen / cfg.Lanes
		for lane := range cfg.Lanes {
			for i := range size {
				x.Code(&bitTape{}, lane, nil, 0, cfg.History[lane*size+i])
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	got, want := int64(after.HeapAlloc-before.HeapAlloc), MemoryBytes(cfg)
	if got > want+want/50 || got < want-want/10 {
		t.Errorf("%d bytes in %d lanes take %d bytes, MemoryBytes says %d", cfg.BlockLen, cfg.Lanes, got, want)
	}
	runtime.KeepAlive(x)
}

func BenchmarkCode(b *testing.B) {
	text := testBlocks(b)["text"]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		x, err := New(Config{BlockLen: len(text), Lanes: 1, Plan: plans(len(text))[1]})
		if err != nil {
			b.Fatal(err)
		}
		var c costCoder
		for _, s := range text {
			x.Code(&c, 0, nil, 0, s)
		}
		b.ReportMetric(c.bits/float64(len(text)), "bpc")
	}
}
