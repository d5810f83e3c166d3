package sgemm

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/ggml/simd"
)

// reference computes C in float64 from operands rounded like the kernel's.
func reference(kn *Kernel, alpha float32, a, b Matrix, beta float32, c Matrix) (want, scale []float64) {
	m, k := a.Size()
	_, n := b.Size()
	at := func(x Matrix, i, j int) float64 {
		if x.Transposed {
			i, j = j, i
		}
		v := x.Data[i*x.Stride+j]
		if kn.Precision() == BF16 {
			v = math.Float32frombits(bf16(v) << 16)
		}
		return float64(v)
	}
	want, scale = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			var sum, abs float64
			for l := range k {
				p := at(a, i, l) * at(b, l, j)
				sum += p
				abs += math.Abs(p)
			}
			want[i*n+j] = float64(alpha) * sum
			if beta != 0 {
				want[i*n+j] += float64(beta) * float64(c.Data[i*c.Stride+j])
			}
			scale[i*n+j] = 1 + abs
		}
	}
	return want, scale
}

func random(r *rand.Rand, rows, cols, gap int, transposed bool) Matrix {
	if transposed {
		rows, cols = cols, rows
	}
	m := Matrix{Rows: rows, Cols: cols, Stride: cols + gap, Transposed: transposed}
	m.Data = make([]float32, rows*m.Stride)
	for i := range m.Data {
		m.Data[i] = float32(r.NormFloat64())
	}
	return m
}

func TestGemmAgainstReference(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {8, 48, 32}, {16, 48, 33}, {17, 49, 31}, {64, 96, 512}, {5, 300, 7}, {33, 130, 1100}, {3, 0, 4}, {3, 4, 0}}
	for _, kn := range Kernels() {
		t.Run(kn.Name(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var w Workspace
			for _, s := range shapes {
				for mode := range 8 {
					a := random(r, s[0], s[2], mode, mode&1 != 0)
					b := random(r, s[2], s[1], mode, mode&2 != 0)
					c := random(r, s[0], s[1], mode, false)
					alpha, beta := float32(1.5), []float32{0, 1, -0.5}[mode%3]
					if beta == 0 {
						for i := range c.Data {
							c.Data[i] = float32(math.NaN()) // must be overwritten
						}
					}
					want, scale := reference(kn, alpha, a, b, beta, c)
					if err := kn.Gemm(&w, alpha, a, b, beta, c, 1+mode%3); err != nil {
						t.Fatal(err)
					}
					for i := range s[0] {
						for j := range s[1] {
							got := float64(c.Data[i*c.Stride+j])
							if d := math.Abs(got - want[i*s[1]+j]); !(d <= 3e-6*scale[i*s[1]+j]) {
								t.Fatalf("%v mode %d: C[%d,%d] = %v, want %v", s, mode, i, j, got, want[i*s[1]+j])
							}
						}
					}
				}
			}
		})
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	for _, kn := range Kernels() {
		r := rand.New(rand.NewPCG(3, 4))
		a, b := random(r, 70, 257, 0, true), random(r, 257, 333, 0, false)
		var w Workspace
		var first []float32
		for threads := 1; threads <= 5; threads++ {
			c := Dense(make([]float32, 70*333), 70, 333)
			if err := kn.Gemm(&w, 1, a, b, 0, c, threads); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = c.Data
			}
			for i, v := range c.Data {
				if v != first[i] {
					t.Fatalf("%s: %d threads: element %d differs", kn.Name(), threads, i)
				}
			}
		}
	}
}

func TestShapeErrors(t *testing.T) {
	var w Workspace
	z := make([]float32, 100)
	for _, c := range []struct{ a, b, c Matrix }{
		{Dense(z, 2, 3), Dense(z, 4, 5), Dense(z, 2, 5)},
		{Dense(z, 2, 3), Dense(z, 3, 5), Dense(z, 2, 4)},
		{Dense(z, 20, 30), Dense(z, 30, 5), Dense(z, 20, 5)},
	} {
		if err := Best(F32).Gemm(&w, 1, c.a, c.b, 0, c.c, 1); !errors.Is(err, ErrShape) {
			t.Errorf("got %v, want ErrShape", err)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, p := range []string{"", "auto", "f32", "bf16"} {
		if kn, err := Choose(p); err != nil || kn == nil {
			t.Errorf("Choose(%q): %v", p, err)
		}
	}
	if _, err := Choose("f64"); err == nil {
		t.Error("Choose(f64) succeeded")
	}
}

// BenchmarkGemm reports G multiply-adds/s, packing included.
func BenchmarkGemm(b *testing.B) {
	for _, kn := range Kernels() {
		for _, s := range [][3]int{{6144, 1536, 512}, {1536, 512, 6144}, {64, 1536, 512}, {16, 1536, 512}, {64, 512, 1536}} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%dx%dx%d/%d", kn.Name(), s[0], s[1], s[2], threads), func(b *testing.B) {
					r := rand.New(rand.NewPCG(1, 2))
					x, y := random(r, s[0], s[2], 0, false), random(r, s[2], s[1], 0, true)
					c := Dense(make([]float32, s[0]*s[1]), s[0], s[1])
					var w Workspace
					kn.PackRight(&w.b, y, threads)
					for b.Loop() {
						if s[0] <= 64 { // a recurrent step: the weights are packed before
							kn.PackLeft(&w.a, x, threads)
							kn.Mul(c, 1, &w.a, &w.b, 0, threads)
						} else if err := kn.Gemm(&w, 1, x, y, 0, c, threads); err != nil {
							b.Fatal(err)
						}
					}
					macs := float64(s[0]) * float64(s[1]) * float64(s[2])
					b.ReportMetric(macs*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
				})
			}
		}
	}
}

// TestPrefix multiplies with the first part of an operand's inner dimension, and some of
// the panels of a product.
func TestPrefix(t *testing.T) {
	for _, kn := range Kernels() {
		r := rand.New(rand.NewPCG(3, 4))
		const m, n, all = 20, 100, 90
		b := random(r, all, n, 0, false)
		var left, right Packed
		kn.PackRight(&right, b, 1)
		for _, k := range []int{0, 2, 64, all} {
			a := random(r, m, k, 0, false)
			first := b
			first.Rows = k
			kn.PackLeft(&left, a, 1)
			prefix := right.Prefix(k)
			c := random(r, m, n, 0, false)
			want, scale := reference(kn, 1, a, first, 0, c)
			const panel = 1
			before := append([]float32(nil), c.Data...)
			kn.MulPanel(c, 1, &left, &prefix, 0, panel)
			for i, v := range c.Data {
				if inside := i%n/PanelWidth == panel; inside && math.Abs(float64(v)-want[i]) > 1e-5*scale[i] || !inside && v != before[i] {
					t.Fatalf("%s: %d of %d: element %d is %v, want %v", kn.Name(), k, all, i, v, want[i])
				}
			}
			if prefix.Inner() != k || prefix.Columns() != n {
				t.Errorf("%s: prefix %dx%d", kn.Name(), prefix.Inner(), prefix.Columns())
			}
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: an odd prefix was given", kn.Name())
				}
			}()
			right.Prefix(3)
		}()
	}
}

// TestAllowed: the best kernel is one of a level that is allowed, and plain Go where
// none is.
func TestAllowed(t *testing.T) {
	for _, p := range []Precision{F32, BF16} {
		k := Best(p)
		if !k.level.Allowed() || k.precision != p {
			t.Errorf("%v: %s", p, k.name)
		}
		if !simd.AVX2.Allowed() && k.level != simd.Generic {
			t.Errorf("%v: %s, where only plain Go is allowed", p, k.name)
		}
	}
}
