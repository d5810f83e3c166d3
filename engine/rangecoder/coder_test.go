package rangecoder

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// decision is one call of a coding method.
type decision struct {
	freqs []uint32 // nil for a binary decision
	total uint32
	p1    uint32
	shift uint
	sym   int
}

func (d decision) code(c *Coder) int {
	if d.freqs != nil {
		return c.Symbol(d.freqs, d.total, d.sym)
	}
	return c.BitP(d.p1, d.shift, d.sym)
}

// unknown is the decision as a decoder sees it, with a symbol that would be wrong.
func (d decision) unknown() decision {
	d.sym = -12345
	return d
}

// bits returns the ideal code length.
func (d decision) bits() float64 {
	p := float64(d.p1) / math.Pow(2, float64(d.shift))
	if d.freqs != nil {
		p = float64(d.freqs[d.sym]) / float64(d.total)
	} else if d.sym == 0 {
		p = 1 - p
	}
	return -math.Log2(p)
}

func roundTrip(t *testing.T, ds []decision) []byte {
	t.Helper()
	c := NewEncoder(nil)
	for i, d := range ds {
		if got := d.code(c); got != d.sym {
			t.Fatalf("encoding decision %d returned %d, want its argument %d", i, got, d.sym)
		}
	}
	coded, err := c.Finish()
	if err != nil {
		t.Fatal(err)
	}
	c = NewDecoder(coded)
	for i, d := range ds {
		if got := d.unknown().code(c); got != d.sym {
			t.Fatalf("decision %d of %d: decoded %d, want %d", i, len(ds), got, d.sym)
		}
		if c.Truncated() {
			t.Fatalf("decision %d of %d: intact data counts as truncated", i, len(ds))
		}
	}
	if _, err := c.Finish(); err != nil {
		t.Fatalf("after %d decisions: %v", len(ds), err)
	}
	return coded
}

// randomFreqs returns n frequencies with a sum below limit, some shapes very
// skewed.
func randomFreqs(r *rand.Rand, n int, limit uint64) ([]uint32, uint32) {
	freqs := make([]uint32, n)
	left := limit - 1 - uint64(n)
	var total uint64
	for i := range freqs {
		freqs[i] = 1
		if r.IntN(4) > 0 {
			share := left >> r.IntN(33)
			if share > 0 {
				extra := r.Uint64N(share)
				freqs[i] += uint32(extra)
				left -= extra
			}
		}
		total += uint64(freqs[i])
	}
	r.Shuffle(n, func(i, j int) { freqs[i], freqs[j] = freqs[j], freqs[i] })
	return freqs, uint32(total)
}

func TestRoundTripMixedDecisions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for trial := range 300 {
		ds := make([]decision, r.IntN(200))
		for i := range ds {
			switch r.IntN(3) {
			case 0:
				n := 1 + r.IntN(300)
				if trial%50 == 0 {
					n = 50257
				}
				f, total := randomFreqs(r, n, 1<<(20+r.Uint64N(13)))
				ds[i] = decision{freqs: f, total: total, sym: r.IntN(n)}
			case 1:
				ds[i] = decision{p1: 1 + r.Uint32N(65535), shift: 16, sym: r.IntN(2)}
			case 2:
				shift := 1 + r.UintN(MaxShift)
				p1 := uint32(1 + r.Uint64N(1<<shift-1))
				switch r.IntN(4) {
				case 0:
					p1 = 1
				case 1:
					p1 = uint32(1<<shift - 1)
				}
				ds[i] = decision{p1: p1, shift: shift, sym: r.IntN(2)}
			}
		}
		roundTrip(t, ds)
	}
}

// TestCarryThroughManyBytes codes a stream that stays just below a carry for
// thousands of bytes and then causes or does not cause one.
func TestCarryThroughManyBytes(t *testing.T) {
	for _, last := range []int{0, 1} {
		// The upper part of the range every time: low creeps towards the top.
		freqs := []uint32{1<<31 - 1, 1 << 31}
		var ds []decision
		for range 40000 {
			ds = append(ds, decision{freqs: freqs, total: 1<<32 - 1, sym: 1})
		}
		ds = append(ds, decision{p1: 1, shift: 16, sym: last})
		for range 50 {
			ds = append(ds, decision{freqs: freqs, total: 1<<32 - 1, sym: 0})
		}
		roundTrip(t, ds)
	}
	// A carry by hand: the bytes written are all 0xff.
	c := NewEncoder(nil)
	c.buf = append(c.buf, 0x12, 0xff, 0xff, 0xff)
	c.low, c.rng = 1<<64-1, minRange
	c.Symbol([]uint32{1, 1}, 2, 1)
	if want := []byte{0x13, 0, 0, 0}; !bytes.Equal(c.buf[:4], want) {
		t.Errorf("after a carry: % x, want % x", c.buf[:4], want)
	}
}

func TestOverheadBelowTwoHundredthsOfAPercent(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	draw := func(f []uint32, total uint32) int {
		s, _, _ := find(f, uint32(r.Uint64N(uint64(total))))
		return s
	}
	tests := map[string]func() []decision{
		"bytes": func() (ds []decision) {
			var sets [64]decision
			for i := range sets {
				f, total := randomFreqs(r, 256, 1<<32)
				sets[i] = decision{freqs: f, total: total}
			}
			for range 1 << 20 {
				d := sets[r.IntN(len(sets))]
				d.sym = draw(d.freqs, d.total)
				ds = append(ds, d)
			}
			return ds
		},
		"tokens": func() (ds []decision) {
			f, total := randomFreqs(r, 50257, 1<<31)
			for range 20000 {
				ds = append(ds, decision{freqs: f, total: total, sym: draw(f, total)})
			}
			return ds
		},
		"predictable bits": func() (ds []decision) {
			for range 1 << 20 {
				d := decision{p1: 1 + r.Uint32N(1<<12), shift: 22}
				if r.Uint32N(1<<22) < d.p1 {
					d.sym = 1
				}
				ds = append(ds, d)
			}
			return ds
		},
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			ds := make()
			var ideal float64
			for _, d := range ds {
				ideal += d.bits()
			}
			got := float64(8 * len(roundTrip(t, ds)))
			t.Logf("%.0f ideal bits, coded in %.0f: %+.5f%%", ideal, got, 100*(got/ideal-1))
			// 16 bits for the end, whatever the length.
			if got > ideal*1.0002+16 || got < ideal-16 {
				t.Errorf("%.0f ideal bits, coded in %.0f", ideal, got)
			}
		})
	}
}

func TestShortStreams(t *testing.T) {
	if coded := roundTrip(t, nil); len(coded) != 0 {
		t.Errorf("no decisions take %d bytes", len(coded))
	}
	// Eight even bits take one byte, and never more than two.
	for v := range 256 {
		var ds []decision
		for i := range 8 {
			ds = append(ds, decision{p1: 1 << 15, shift: 16, sym: v >> i & 1})
		}
		if coded := roundTrip(t, ds); len(coded) > 2 {
			t.Errorf("eight bits take % x", coded)
		}
	}
	// A certain symbol costs nothing.
	certain := decision{freqs: []uint32{7}, total: 7}
	if coded := roundTrip(t, []decision{certain, certain, certain}); len(coded) != 0 {
		t.Errorf("three certain symbols take % x", coded)
	}
}

func TestGolden(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var ds []decision
	for i := range 60 {
		if i%3 == 0 {
			f := make([]uint32, 256)
			var total uint32
			for j := range f {
				f[j] = 1 + uint32(i*j)*2654435761>>uint(10+j%7)
				total += f[j]
			}
			ds = append(ds, decision{freqs: f, total: total, sym: r.IntN(256)})
		} else {
			ds = append(ds, decision{p1: uint32(1 + i*1000), shift: 16 + uint(i%3), sym: r.IntN(2)})
		}
	}
	const want = "b8c92cdfd88dde7419a4151b116f0ba36011801ea298e66e3fce35bd2b"
	if got := hex.EncodeToString(roundTrip(t, ds)); got != want {
		t.Errorf("coded bytes changed:\n got %s\nwant %s", got, want)
	}
}

func TestDamage(t *testing.T) {
	var ds []decision
	for i := range 1000 {
		ds = append(ds, decision{freqs: []uint32{5, 9, 2, 8}, total: 24, sym: i % 4})
	}
	coded := roundTrip(t, ds)
	decode := func(src []byte) error {
		c := NewDecoder(src)
		for _, d := range ds {
			d.unknown().code(c)
		}
		_, err := c.Finish()
		return err
	}
	// The last few bytes decide the last symbols only: a decoder then sees other
	// symbols, which only a checksum can tell.
	for n := range coded[:len(coded)-6] {
		if err := decode(coded[:n]); !errors.Is(err, ErrTruncated) {
			t.Fatalf("%d of %d bytes: %v, want %v", n, len(coded), err, ErrTruncated)
		}
	}
	if err := decode(append(coded[:len(coded):len(coded)], 1, 2, 3)); !errors.Is(err, ErrTrailing) {
		t.Errorf("three bytes too many: %v, want %v", err, ErrTrailing)
	}
}

func TestZeroFrequency(t *testing.T) {
	c := NewEncoder(nil)
	c.Symbol([]uint32{1, 0, 1}, 2, 1)
	if _, err := c.Finish(); !errors.Is(err, ErrFrequency) {
		t.Errorf("a symbol of frequency zero: %v", err)
	}
	for _, sym := range []int{-1, 3} {
		c = NewEncoder(nil)
		c.Symbol([]uint32{1, 1, 1}, 3, sym)
		if _, err := c.Finish(); !errors.Is(err, ErrFrequency) {
			t.Errorf("symbol %d of 3: %v", sym, err)
		}
	}
}

func TestSearchAgreesWithPlainLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := 1; n < 70; n++ {
		f, total := randomFreqs(r, n, 1<<20)
		var cum uint32
		for sym, freq := range f {
			if got := sum(f[:sym]); got != cum {
				t.Fatalf("sum of %d = %d, want %d", sym, got, cum)
			}
			for _, target := range []uint32{cum, cum + freq - 1} {
				s, c, q := find(f, target)
				if s != sym || c != cum || q != freq {
					t.Fatalf("%d symbols, target %d: (%d %d %d), want (%d %d %d)", n, target, s, c, q, sym, cum, freq)
				}
			}
			cum += freq
		}
		for _, target := range []uint32{total, total + 1000} {
			if s, c, q := find(f, target); s != n-1 || c != total-f[n-1] || q != f[n-1] {
				t.Fatalf("target %d of %d: (%d %d %d), want the last symbol", target, total, s, c, q)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	f, total := randomFreqs(rand.New(rand.NewPCG(1, 1)), 256, 1<<24)
	c := NewEncoder(make([]byte, 0, 1<<16))
	if n := testing.AllocsPerRun(1000, func() { c.Symbol(f, total, 77); c.Bit(1000, 0) }); n != 0 {
		t.Errorf("encoding allocates %v times", n)
	}
	c.ResetDecoder(c.buf)
	if n := testing.AllocsPerRun(1000, func() { c.Symbol(f, total, 0); c.Bit(1000, 0) }); n != 0 {
		t.Errorf("decoding allocates %v times", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, uint8(3))
	f.Add(bytes.Repeat([]byte{0xff}, 40), uint8(255))
	f.Fuzz(func(t *testing.T, data []byte, seed uint8) {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		c := NewDecoder(data)
		for range 4 * (len(data) + 8) {
			freqs, total := randomFreqs(r, 1+r.IntN(40), 1<<(10+r.Uint64N(23)))
			if s := c.Symbol(freqs, total, 0); s < 0 || s >= len(freqs) {
				t.Fatalf("symbol %d of %d", s, len(freqs))
			}
			if b := c.BitP(1+r.Uint32N(1<<20-1), 20, 0); b != 0 && b != 1 {
				t.Fatalf("bit %d", b)
			}
		}
		c.Finish()
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("some decisions"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, seed uint8) {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		var ds []decision
		for _, b := range data {
			freqs, total := randomFreqs(r, 256, 1<<(10+r.Uint64N(23)))
			ds = append(ds,
				decision{freqs: freqs, total: total, sym: int(b)},
				decision{p1: 1 + r.Uint32N(65535), shift: 16, sym: int(b & 1)})
		}
		roundTrip(t, ds)
	})
}

func benchmarkSymbol(b *testing.B, n int, decode bool) {
	r := rand.New(rand.NewPCG(9, 9))
	freqs, total := randomFreqs(r, n, 1<<28)
	syms := make([]int, 4096)
	for i := range syms {
		syms[i], _, _ = find(freqs, r.Uint32N(total))
	}
	c := NewEncoder(nil)
	for _, s := range syms {
		c.Symbol(freqs, total, s)
	}
	coded, _ := c.Finish()
	coded = bytes.Clone(coded)
	for i := 0; b.Loop(); i++ {
		if i%len(syms) == 0 {
			if decode {
				c.ResetDecoder(coded)
			} else {
				c.ResetEncoder(c.buf)
			}
		}
		c.Symbol(freqs, total, syms[i%len(syms)])
	}
}

func BenchmarkEncode256(b *testing.B)   { benchmarkSymbol(b, 256, false) }
func BenchmarkDecode256(b *testing.B)   { benchmarkSymbol(b, 256, true) }
func BenchmarkEncode50257(b *testing.B) { benchmarkSymbol(b, 50257, false) }
func BenchmarkDecode50257(b *testing.B) { benchmarkSymbol(b, 50257, true) }

func BenchmarkEncodeBit(b *testing.B) {
	c := NewEncoder(make([]byte, 0, 1<<20))
	for i := 0; b.Loop(); i++ {
		if i&(1<<20-1) == 0 {
			c.ResetEncoder(c.buf)
		}
		c.Bit(3000, i>>4&1&(i>>2))
	}
}
