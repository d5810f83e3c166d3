package ggml

import (
	"math"
	"testing"
)

func TestQuantizeRows(t *testing.T) {
	src := []float32{
		1, -0.5, 0.25, 127.0 / 127,
		0, 0, 0, 0,
		-254, 1, 3, 5, // scale 2: 0.5, 1.5 and 2.5 are ties
		math.SmallestNonzeroFloat32, 0, 0, 0, // scale underflows to 0
	}
	q, s, err := QuantizeRows(src, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	want := []int8{127, -64, 32, 127, 0, 0, 0, 0, -127, 0, 2, 2, 0, 0, 0, 0}
	for i := range want {
		if q[i] != want[i] {
			t.Errorf("q[%d] = %d, want %d", i, q[i], want[i])
		}
	}
	if s[0] != float32(1)/127 || s[1] != 0 || s[2] != 2 || s[3] != 0 {
		t.Errorf("scales %v", s)
	}
}

func TestQuantizeRowsRejects(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, _, err := QuantizeRows([]float32{0, float32(v)}, 1, 2); err == nil {
			t.Errorf("%g was accepted", v)
		}
	}
	if _, _, err := QuantizeRows(make([]float32, 5), 2, 3); err == nil {
		t.Error("a wrong length was accepted")
	}
}

// TestQuantizeError bounds the rounding error by half a step.
func TestQuantizeError(t *testing.T) {
	const rows, cols = 7, 301
	src := make([]float32, rows*cols)
	x := uint32(1)
	for i := range src {
		x = x*1664525 + 1013904223
		src[i] = float32(int32(x)) / (1 << 28)
	}
	q, s, err := QuantizeRows(src, rows, cols)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range src {
		sc := float64(s[i/cols])
		if d := math.Abs(float64(v) - float64(q[i])*sc); d > sc*0.50001 {
			t.Fatalf("value %d: error %g with scale %g", i, d, sc)
		}
	}
}

func TestQ8_0RoundTrip(t *testing.T) {
	src := make([]float32, 96)
	for i := range 64 {
		src[i] = float32(i-20) * 0.37
	}
	b, err := QuantizeQ8_0(src)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 3*34 {
		t.Fatalf("%d bytes", len(b))
	}
	got, err := Dequantize(Q8_0, b)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range src {
		if math.Abs(float64(v-got[i])) > 16*0.001+0.5*16.0/127 {
			t.Errorf("value %d: %g became %g", i, v, got[i])
		}
	}
	if _, err := QuantizeQ8_0(src[:33]); err == nil {
		t.Error("33 values were accepted")
	}
	if _, err := Dequantize(Q8_0, b[:33]); err == nil {
		t.Error("a cut block was accepted")
	}
	if _, err := Dequantize(Type(99), nil); err == nil {
		t.Error("an unknown type was accepted")
	}
}
