package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func checkMatMulMX(t *testing.T, k *Kernel, w, a []int8, shifts []uint32, panels, lanes, stride, groups int) {
	t.Helper()
	want := make([]int32, panels*lanes*Rows)
	matMulMXGeneric(want, w, a, shifts, nil, panels, lanes, stride, groups)
	packed := slices.Clone(w)
	for i := range packed {
		packed[i] ^= int8(k.Offset)
	}
	var sums []int32
	if k.Offset != 0 {
		sums = make([]int32, lanes)
		for l := range lanes {
			for c := range groups * Group {
				sums[l] += int32(a[(c/Block*stride+l)*Block+c%Block]) << shifts[c/Group*stride+l]
			}
		}
	}
	const guard = 0x5a5a5a5a
	got := make([]int32, len(want)+Rows)
	for i := range got {
		got[i] = guard
	}
	k.MatMulMX(got, packed, a, shifts, sums, panels, lanes, stride, groups)
	for i, v := range want {
		if got[i] != v {
			t.Fatalf("%d panels, %d of %d lanes, %d groups: element %d is %d, want %d", panels, lanes, stride, groups, i, got[i], v)
		}
	}
	for i := len(want); i < len(got); i++ {
		if got[i] != guard {
			t.Fatalf("%d panels, %d lanes: wrote beyond the end", panels, lanes)
		}
	}
}

func randomShifts(r *rand.Rand, n int) []uint32 {
	s := make([]uint32, n)
	for i := range s {
		s[i] = uint32(r.IntN(9))
	}
	return s
}

// TestMatMulMX compares with the plain Go code, which is compared with sums in
// int64 where those do not overflow.
func TestMatMulMX(t *testing.T) {
	for _, k := range List() {
		t.Run(k.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, 2))
			for lanes := 1; lanes <= 40; lanes++ {
				for _, groups := range []int{1, 2, 3, 24} {
					panels, stride := 1+r.IntN(3), lanes+r.IntN(3)
					checkMatMulMX(t, k, randomInt8s(r, panels*groups*Rows*Group), randomInt8s(r, stride*groups*Group),
						randomShifts(r, stride*groups), panels, lanes, stride, groups)
				}
			}
			const groups, lanes = 96, 7
			w, a := make([]int8, groups*Rows*Group), make([]int8, lanes*groups*Group)
			for _, s := range [][2]int8{{127, 127}, {127, -127}, {-127, 127}, {-127, -127}} {
				for i := range w {
					w[i] = s[0]
				}
				for i := range a {
					a[i] = s[1]
				}
				checkMatMulMX(t, k, w, a, randomShifts(r, lanes*groups), 1, lanes, lanes, groups)
			}
		})
	}
}

func TestMatMulMXSums(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 2))
	const groups, lanes = 5, 3
	w, a, s := randomInt8s(r, groups*Rows*Group), randomInt8s(r, lanes*groups*Group), randomShifts(r, lanes*groups)
	got := make([]int32, lanes*Rows)
	matMulMXGeneric(got, w, a, s, nil, 1, lanes, lanes, groups)
	for l := range lanes {
		for row := range Rows {
			var want int64
			for c := range groups * Group {
				x, y := a[(c/Block*lanes+l)*Block+c%Block], w[c/4*4*Rows+4*row+c%4]
				want += int64(x) * int64(y) << s[c/Group*lanes+l]
			}
			if int64(got[l*Rows+row]) != want {
				t.Fatalf("lane %d row %d: %d, want %d", l, row, got[l*Rows+row], want)
			}
		}
	}
}

func TestDequantMX(t *testing.T) {
	others(t, func(t *testing.T, k *Kernel) {
		r := rand.New(rand.NewPCG(3, 5))
		for lanes := 1; lanes < 20; lanes++ {
			acc := make([]int32, lanes*Rows)
			for i := range acc {
				acc[i] = int32(r.Uint32()) >> r.IntN(20)
			}
			scale, bias := randomFloats(r, Rows, 0.01), randomFloats(r, Rows, 1)
			base := make([]float32, lanes)
			for i := range base {
				base[i] = Pow2(r.IntN(100) - 60)
			}
			for _, stride := range []int{Rows, Rows + 16, 256} {
				old := randomFloats(r, lanes*stride, 1)
				got, want := slices.Clone(old), slices.Clone(old)
				k.DequantMX(got, acc, scale, bias, base, lanes, stride)
				Generic.DequantMX(want, acc, scale, bias, base, lanes, stride)
				equalBits(t, "DequantMX", got, want)
				k.AddMX(got, acc, scale, bias, base, lanes, stride)
				Generic.AddMX(want, acc, scale, bias, base, lanes, stride)
				equalBits(t, "AddMX", got, want)
			}
		}
	})
}

// rows returns arrays of n elements like activations, with outliers, zeros and
// extremes among them.
func rows(r *rand.Rand, n int) []float32 {
	x := randomFloats(r, n, math.Exp2(float64(r.IntN(60)-30)))
	switch r.IntN(5) {
	case 0:
		clear(x[:n/2])
	case 1:
		clear(x)
	case 2:
		x[r.IntN(n)] = Limit
	case 3:
		x[r.IntN(n)] *= 100
		x[r.IntN(n)] = -math.SmallestNonzeroFloat32
	}
	return x
}

func TestQuantizeMX(t *testing.T) {
	for _, k := range List() {
		t.Run(k.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(4, 5))
			for i := range 300 {
				groups, stride, top := 1+r.IntN(30), 1+r.IntN(4), r.IntN(9)
				x := rows(r, groups*Group)
				lane := r.IntN(stride)
				run := func(k *Kernel) ([]int8, []uint32, float32) {
					q, s := make([]int8, groups*Group*stride), make([]uint32, groups*stride)
					b, sum := k.QuantizeMX(q[lane*Block:], s[lane:], x, stride, groups, top)
					var want int32
					for c, y := range q {
						if c/Block%stride == lane {
							want += int32(y) << s[c/Block/stride/2*stride+lane]
						}
					}
					if sum != want {
						t.Fatalf("round %d: sum %d, want %d", i, sum, want)
					}
					return q, s, b
				}
				q, s, b := run(k)
				wq, ws, wb := run(&Generic)
				if !slices.Equal(q, wq) || !slices.Equal(s, ws) || b != wb {
					t.Fatalf("round %d: %v %v, want %v %v", i, b, s, wb, ws)
				}
				for c, v := range x {
					g := c / Group
					shift := s[g*stride+lane]
					step := float64(b) * float64(uint(1)<<shift)
					y := float64(q[(c/Block*stride+lane)*Block+c%Block]) * step
					if d := math.Abs(y - float64(v)); d > 0.5*step && d > math.Abs(float64(v))/64 && math.Abs(float64(v)) <= Limit {
						t.Fatalf("element %d: %v became %v, step %v", c, v, y, step)
					}
				}
			}
		})
	}
}

func TestTreeSums(t *testing.T) {
	others(t, func(t *testing.T, k *Kernel) {
		r := rand.New(rand.NewPCG(5, 5))
		for n := Rows; n < 1700; n += Rows {
			x := randomFloats(r, n, 3)
			if a, b := k.Sum(x), Generic.Sum(x); math.Float32bits(a) != math.Float32bits(b) {
				t.Fatalf("sum of %d: %v, want %v", n, a, b)
			}
			if a, b := k.SumSquares(x, 0.3), Generic.SumSquares(x, 0.3); math.Float32bits(a) != math.Float32bits(b) {
				t.Fatalf("sum of %d squares: %v, want %v", n, a, b)
			}
			if a, b := k.Max(x[:n-3]), Generic.Max(x[:n-3]); a != b {
				t.Fatalf("greatest of %d: %v, want %v", n-3, a, b)
			}
			if a, b := k.MaxAbs(x), Generic.MaxAbs(x); a != b {
				t.Fatalf("greatest magnitude of %d: %v, want %v", n, a, b)
			}
			qa, qb := make([]int8, n), make([]int8, n)
			k.RoundInt8s(qa, x, 40)
			Generic.RoundInt8s(qb, x, 40)
			if !slices.Equal(qa, qb) {
				t.Fatalf("%d rounded values differ", n)
			}
			gain, bias := randomFloats(r, n, 2), randomFloats(r, n, 2)
			got, want := make([]float32, n), make([]float32, n)
			k.Affine(got, x, gain, bias, 0.2, 1.7)
			Generic.Affine(want, x, gain, bias, 0.2, 1.7)
			equalBits(t, "affine", got, want)
		}
	})
}

func TestActivations(t *testing.T) {
	others(t, func(t *testing.T, k *Kernel) {
		r := rand.New(rand.NewPCG(6, 5))
		for n := Rows; n < 600; n += Rows {
			x, y := randomFloats(r, n, 6), randomFloats(r, n, 1)
			x[r.IntN(n)] = special[r.IntN(len(special))]
			got, want := slices.Clone(x), slices.Clone(x)
			k.GELU(got, y)
			Generic.GELU(want, y)
			equalBits(t, "gelu", got, want)
			got, want = slices.Clone(x), slices.Clone(x)
			k.SwiGLU(got, y)
			Generic.SwiGLU(want, y)
			equalBits(t, "swiglu", got, want)
		}
	})
}

func TestAttention(t *testing.T) {
	others(t, func(t *testing.T, k *Kernel) {
		r := rand.New(rand.NewPCG(7, 5))
		for n := 1; n < 300; n++ {
			lanes := 1 + r.IntN(3)
			stride := lanes * Rows
			padded := (n + Rows - 1) / Rows * Rows
			acc := make([]int32, padded/Rows*stride)
			for i := range acc {
				acc[i] = int32(r.Uint32()) >> (11 + r.IntN(10))
			}
			keys, values := make([]float32, padded), make([]float32, padded)
			for i := range keys {
				keys[i], values[i] = Pow2(r.IntN(5)-14), Pow2(-r.IntN(5))
			}
			run := func(k *Kernel) string {
				s, q := make([]float32, padded), make([]int8, padded*2)
				top := k.Scores(s, acc, keys, 0.1, n, stride)
				sum := k.Weights(q, s, values, top, 16383, 16383, n, 2*Block)
				return fmt.Sprint(s[:n], q, top, sum)
			}
			if got, want := run(k), run(&Generic); got != want {
				t.Fatalf("%d positions:\n%s\n%s", n, got, want)
			}
		}
	})
}

// TestFunctions compares with package math.
func TestFunctions(t *testing.T) {
	worst := func(name string, from, to, bound float64, got func(float32) float32, want func(float64) float64, relative bool) {
		const n = 200000
		for i := range n {
			x := float32(from + (to-from)*float64(i)/n)
			w := want(float64(x))
			e := math.Abs(float64(got(x)) - w)
			if relative {
				e /= math.Abs(w)
			}
			if e > bound {
				t.Fatalf("%s(%v) = %v, want %v: error %.3g", name, x, got(x), w, e)
			}
		}
	}
	gelu := func(x float64) float64 {
		return x * 0.5 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	one := func(f func(x, y []float32)) func(float32) float32 {
		return func(x float32) float32 {
			v := [1]float32{x}
			f(v[:], []float32{1})
			return v[0]
		}
	}
	worst("exp2", -40, 40, 3e-6, Exp2, math.Exp2, true)
	worst("rsqrt", 1e-6, 50, 3e-7, Rsqrt32, func(x float64) float64 { return 1 / math.Sqrt(x) }, true)
	worst("recip", 1, 1e7, 3e-7, Recip32, func(x float64) float64 { return 1 / x }, true)
	worst("gelu", -12, 12, 6e-6, one(geluGeneric), gelu, false)
	worst("silu", -60, 60, 6e-5, one(swigluGeneric), func(x float64) float64 { return x / (1 + math.Exp(-x)) }, false)
	for _, e := range []int{-60, -40, -3, 0, 5, 60} {
		x := float32(math.Ldexp(1.37, e))
		if r := float64(Rsqrt32(x)) * math.Sqrt(float64(x)); math.Abs(r-1) > 3e-7 {
			t.Errorf("rsqrt(%v) is off by %v", x, r-1)
		}
		if r := float64(Recip32(x)) * float64(x); math.Abs(r-1) > 3e-7 {
			t.Errorf("recip(%v) is off by %v", x, r-1)
		}
	}
}

// TestFunctionBits locks every bit of the functions of the contracts: nothing else would
// show a change of a last digit that hardly ever changes a rounded activation.
func TestFunctionBits(t *testing.T) {
	gate := func(f func(x, y []float32)) func(float32) float32 {
		return func(x float32) float32 {
			v := [1]float32{x}
			f(v[:], []float32{1})
			return v[0]
		}
	}
	for _, c := range []struct {
		name     string
		f        func(float32) float32
		from, to float64
		want     uint64
	}{
		{"exp2", Exp2, -126, 126, 0x69555ba9d6c86453},
		{"exp32", Exp32, -60, 0, 0xff7905313c5f73c},
		{"recip", Recip32, 1, 3e7, 0xf2f148b39c091c0},
		{"rsqrt", Rsqrt32, 1e-12, 1e3, 0x8c76aadf48608382},
		{"gelu", gate(geluGeneric), -10, 10, 0x2ee071b5c0b92c88},
		{"silu", gate(swigluGeneric), -45, 45, 0x22bd196f0251b424},
		{"tanh", Tanh32, -9, 9, 0x10627d0130b0eead},
		{"sigmoid", Sigmoid32, -18, 18, 0xb9d16bebbdc3b32d},
	} {
		const n = 100003
		h := uint64(14695981039346656037)
		for i := range n {
			x := c.from + (c.to-c.from)*float64(i)/n
			h = (h ^ uint64(math.Float32bits(c.f(float32(x))))) * 1099511628211
		}
		if h != c.want {
			t.Errorf("%s: hash %#x, want %#x", c.name, h, c.want)
		}
	}
}
