package freq

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// eachKernel calls f with each kernel of this CPU in use.
func eachKernel(f func(name string)) {
	before := current
	defer func() { current = before }()
	for _, current = range kernels {
		f(current.name)
	}
}

func logitsFor(r *rand.Rand, n int) []float32 {
	l := make([]float32, n)
	spread := []float32{0, 0.5, 3, 10, 40}[r.IntN(5)]
	for i := range l {
		l[i] = float32(r.NormFloat64())*spread + 2
	}
	return l
}

// TestKernelsAgree compares the kernels with the plain Go code, bit for bit.
func TestKernelsAgree(t *testing.T) {
	eachKernel(func(name string) { t.Run(name, testKernelsAgree) })
}

func testKernelsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	special := []float32{float32(math.NaN()), math.Float32frombits(0x7f800001), float32(math.Inf(-1)), -1e30, 3.4e38, 0, float32(math.Copysign(0, -1)), -26.9999, -27, -27.0001}
	for n := 1; n < 400; n++ {
		l := logitsFor(r, n)
		if n%3 == 0 {
			for range 3 {
				l[r.IntN(n)] = special[r.IntN(len(special))]
			}
		}
		a, b := make([]uint32, n), make([]uint32, n)
		m := maximumGeneric(l)
		if got := maximum(l); math.Float32bits(got) != math.Float32bits(m) && got != m {
			t.Fatalf("n=%d: maximum %v, want %v", n, got, m)
		}
		if x, y := exps(a, l, m), expsGeneric(b, l, m); x != y || !slices.Equal(a, b) {
			t.Fatalf("n=%d: exps differ: sums %d and %d", n, x, y)
		}
		shift := uint(r.IntN(16))
		if x, y := finish(a, shift), finishGeneric(b, shift); x != y || !slices.Equal(a, b) {
			t.Fatalf("n=%d: frequencies differ: totals %d and %d", n, x, y)
		}
	}
}

// TestInPlace compares the frequencies that replace the logits with those computed
// into memory of their own.
func TestInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := 1; n < 5000; n += 1 + n/3 {
		l := logitsFor(r, n)
		want := make([]uint32, n)
		sum := expsGeneric(want, l, maximumGeneric(l))
		shift := uint(0)
		for sum>>shift+uint64(n) >= 1<<32 {
			shift++
		}
		finishGeneric(want, shift)
		if got, _ := FromLogits(l); !slices.Equal(got, want) {
			t.Fatalf("n=%d: other frequencies in the place of the logits", n)
		}
	}
}

// TestExhaustiveExp walks densely through the arguments of exp.
func TestExhaustiveExp(t *testing.T) {
	eachKernel(func(name string) { t.Run(name, testExhaustiveExp) })
}

func testExhaustiveExp(t *testing.T) {
	const n = 1 << 12
	l, a, b := make([]float32, n), make([]uint32, n), make([]uint32, n)
	for start := float32(-28); start < 0; start += 0.5 {
		for i := range l {
			l[i] = start + 0.5*float32(i)/n
		}
		if exps(a, l, 0) != expsGeneric(b, l, 0) || !slices.Equal(a, b) {
			t.Fatalf("exps differ near %v", start)
		}
		for i, q := range a {
			want := math.Exp(float64(l[i])) * (1 << 31)
			if math.Abs(float64(q)-want) > 1+want*4e-6 {
				t.Fatalf("exp(%v)*2^31 = %d, want %.1f", l[i], q, want)
			}
		}
	}
}

func TestFromLogits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 255, 256, 50257, 151936} {
		for range 6 {
			l := logitsFor(r, n)
			f, total := FromLogits(slices.Clone(l))
			var sum uint64
			var p float64
			for _, v := range f {
				if v == 0 {
					t.Fatalf("n=%d: a frequency of zero", n)
				}
				sum += uint64(v)
			}
			if sum != uint64(total) || n > 1 && total < 1<<30 {
				t.Fatalf("n=%d: total %d, sum %d", n, total, sum)
			}
			// The expected code length is within 0.1% of the entropy.
			m := maximumGeneric(l)
			for _, x := range l {
				p += math.Exp(float64(x - m))
			}
			var entropy, length float64
			for i, x := range l {
				q := math.Exp(float64(x-m)) / p
				if q > 0 {
					entropy -= q * math.Log2(q)
					length -= q * math.Log2(float64(f[i])/float64(total))
				}
			}
			if length > entropy*1.001+1e-3 || length < entropy-1e-4 {
				t.Fatalf("n=%d: code length %.6f bits for an entropy of %.6f", n, length, entropy)
			}
		}
	}
}

func TestNotNumbers(t *testing.T) {
	nan := float32(math.NaN())
	for _, l := range [][]float32{{nan}, {nan, nan, nan, nan, nan, nan, nan, nan, nan}, {float32(math.Inf(1)), 1, nan}, {float32(math.Inf(-1)), float32(math.Inf(-1))}} {
		f, total := FromLogits(slices.Clone(l))
		var sum uint64
		for _, v := range f {
			sum += uint64(v)
		}
		if sum != uint64(total) || slices.Min(f) < 1 {
			t.Errorf("%v: frequencies %v, total %d", l, f, total)
		}
	}
}

func BenchmarkFromLogits(b *testing.B) {
	eachKernel(func(name string) {
		b.Run(name, func(b *testing.B) {
			l := logitsFor(rand.New(rand.NewPCG(5, 6)), 50257)
			work := make([]float32, len(l))
			b.SetBytes(int64(4 * len(l)))
			for b.Loop() {
				copy(work, l)
				FromLogits(work)
			}
		})
	})
}

// TestAllowed: what is in use is the best that runs and is allowed.
func TestAllowed(t *testing.T) {
	for _, k := range kernels {
		if k.level.Allowed() {
			if current.name != k.name {
				t.Errorf("%s is in use, not %s", current.name, k.name)
			}
			return
		}
	}
}
