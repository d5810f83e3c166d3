package ggml

import (
	"math"
	"testing"
)

// TestFloat16 checks that all binary16 values survive the way there and back, and
// that rounding picks the nearest neighbour, ties to even.
func TestFloat16(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		f := Float16To32(h)
		if f != f {
			if g := Float32To16(f); g&0x7c00 != 0x7c00 || g&0x3ff == 0 {
				t.Fatalf("NaN %#04x came back as %#04x", h, g)
			}
			continue
		}
		if g := Float32To16(f); g != h {
			t.Fatalf("%#04x -> %g -> %#04x", h, f, g)
		}
	}
	for h := uint16(0); h < 0x7bff; h++ {
		lo, hi := Float16To32(h), Float16To32(h+1)
		mid := lo + (hi-lo)/2 // exact: two neighbours of binary16 fit in float32
		even := h + h&1
		for _, c := range []struct {
			f    float32
			want uint16
		}{
			{mid, even},
			{math.Nextafter32(mid, 0), h},
			{math.Nextafter32(mid, 1e9), h + 1},
			{-mid, even | 0x8000},
		} {
			if got := Float32To16(c.f); got != c.want {
				t.Fatalf("Float32To16(%g) = %#04x, want %#04x", c.f, got, c.want)
			}
		}
	}
	for _, c := range []struct {
		f    float32
		want uint16
	}{{65504, 0x7bff}, {65519.996, 0x7bff}, {65520, 0x7c00}, {1e30, 0x7c00}, {float32(math.Inf(-1)), 0xfc00}, {1e-30, 0}} {
		if got := Float32To16(c.f); got != c.want {
			t.Errorf("Float32To16(%g) = %#04x, want %#04x", c.f, got, c.want)
		}
	}
}
