package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/llmz/llmz/ggml/simd"
)

// others runs f for every kernel of this machine but Generic.
func others(t *testing.T, f func(t *testing.T, k *Kernel)) {
	for _, k := range List() {
		if k.Name != Generic.Name {
			t.Run(k.Name, func(t *testing.T) { f(t, k) })
		}
	}
}

func randomInt8s(r *rand.Rand, n int) []int8 {
	v := make([]int8, n)
	for i := range v {
		v[i] = int8(r.IntN(255) - 127)
	}
	return v
}

// randomFloats returns values of very different sizes.
func randomFloats(r *rand.Rand, n int, scale float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64() * scale * math.Exp2(float64(r.IntN(12)-9)))
	}
	return v
}

func equalBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %x, want %x", what, i, got[i], want[i])
		}
	}
}

// reference computes MatMul in the plainest way, from unpacked values.
func reference(w, a []int8, panels, lanes, stride, blocks int) []int32 {
	acc := make([]int32, panels*lanes*Rows)
	for p := range panels {
		for l := range lanes {
			for r := range Rows {
				var sum int32
				for c := range blocks * Block {
					x := a[(c/Block*stride+l)*Block+c%Block]
					y := w[p*blocks*Block*Rows+c/4*4*Rows+4*r+c%4]
					sum += int32(x) * int32(y)
				}
				acc[(p*lanes+l)*Rows+r] = sum
			}
		}
	}
	return acc
}

func checkMatMul(t *testing.T, k *Kernel, w, a []int8, panels, lanes, stride, blocks int) {
	t.Helper()
	want := reference(w, a, panels, lanes, stride, blocks)
	packed := slices.Clone(w)
	for i := range packed {
		packed[i] ^= int8(k.Offset)
	}
	var sums []int32
	if k.Sums != nil {
		sums = make([]int32, lanes)
		k.Sums(sums, a, lanes, stride, blocks)
	}
	const guard = 0x5a5a5a5a
	got := make([]int32, len(want)+Rows)
	for i := range got {
		got[i] = guard
	}
	k.MatMul(got, packed, a, sums, panels, lanes, stride, blocks)
	for i, v := range want {
		if got[i] != v {
			t.Fatalf("%d panels, %d of %d lanes, %d blocks: element %d is %d, want %d", panels, lanes, stride, blocks, i, got[i], v)
		}
	}
	for i := len(want); i < len(got); i++ {
		if got[i] != guard {
			t.Fatalf("%d panels, %d lanes: wrote beyond the end", panels, lanes)
		}
	}
}

// TestMatMul compares with sums computed plainly, for all numbers of lanes and
// shapes up to those of a GPT-2, and for the greatest possible values.
func TestMatMul(t *testing.T) {
	for _, k := range List() {
		t.Run(k.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for lanes := 1; lanes <= 35; lanes++ {
				for _, blocks := range []int{1, 2, 3, 7} {
					panels := 1 + r.IntN(4)
					stride := lanes + r.IntN(3)
					checkMatMul(t, k, randomInt8s(r, panels*blocks*Rows*Block), randomInt8s(r, stride*blocks*Block), panels, lanes, stride, blocks)
				}
			}
			for _, blocks := range []int{18, 32, 48, 192, 256} {
				for _, lanes := range []int{1, 16} {
					checkMatMul(t, k, randomInt8s(r, blocks*Rows*Block), randomInt8s(r, lanes*blocks*Block), 1, lanes, lanes, blocks)
				}
			}
			const blocks, lanes = 256, 7
			w, a := make([]int8, blocks*Rows*Block), make([]int8, lanes*blocks*Block)
			for _, s := range [][2]int8{{127, 127}, {127, -127}, {-127, 127}, {-127, -127}, {-127, 1}} {
				for i := range w {
					w[i] = s[0]
				}
				for i := range a {
					a[i] = s[1]
				}
				checkMatMul(t, k, w, a, 1, lanes, lanes, blocks)
			}
		})
	}
}

func FuzzMatMul(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(5), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, lanes, blocks, panels uint8) {
		l, b, p := 1+int(lanes)%40, 1+int(blocks)%64, 1+int(panels)%5
		r := rand.New(rand.NewPCG(seed, 0))
		w, a := randomInt8s(r, p*b*Rows*Block), randomInt8s(r, l*b*Block)
		for _, k := range List() {
			checkMatMul(t, k, w, a, p, l, l, b)
		}
	})
}

func TestList(t *testing.T) {
	for _, k := range List() {
		if k.Name != k.Level.String() || !k.Level.Runs() {
			t.Errorf("kernel %q is of level %v, which runs: %t", k.Name, k.Level, k.Level.Runs())
		}
	}
	for _, l := range simd.Levels() {
		if !slices.ContainsFunc(List(), func(k *Kernel) bool { return k.Level == l }) {
			t.Errorf("no kernel for %v", l)
		}
	}
}

func TestDequant(t *testing.T) {
	others(t, func(t *testing.T, k *Kernel) {
		r := rand.New(rand.NewPCG(3, 4))
		for lanes := 1; lanes < 20; lanes++ {
			acc := make([]int32, lanes*Rows)
			for i := range acc {
				acc[i] = int32(r.Uint32()) >> r.IntN(20)
			}
			scale, bias := randomFloats(r, Rows, 0.01), randomFloats(r, Rows, 1)
			for _, stride := range []int{Rows, Rows + 16, 256} {
				got, want := make([]float32, lanes*stride), make([]float32, lanes*stride)
				k.Dequant(got, acc, scale, bias, lanes, stride)
				Generic.Dequant(want, acc, scale, bias, lanes, stride)
				equalBits(t, "dst", got, want)
			}
		}
	})
}

// special are values at the edges of the functions' pieces.
var special = []float32{0, float32(math.Copysign(0, -1)), 8, -8, 8.0000010, 7.9999995, -16, 16, 1e30, -1e30, 1e-38, -1e-45, 0.5, 1, -1}

func TestCells(t *testing.T) {
	for _, cell := range []struct {
		name  string
		gates int
		run   func(k *Kernel) func([]float32, []int8, []float32, []float32, int)
	}{
		{"gru", 3, func(k *Kernel) func([]float32, []int8, []float32, []float32, int) { return k.GRU }},
		{"lstm", 4, func(k *Kernel) func([]float32, []int8, []float32, []float32, int) { return k.LSTM }},
	} {
		others(t, func(t *testing.T, k *Kernel) {
			r := rand.New(rand.NewPCG(5, 6))
			for n := Block; n <= 40*Block; n += Block {
				x, p := randomFloats(r, cell.gates*n, 8), randomFloats(r, cell.gates*n, 8)
				h := randomFloats(r, n, 0.3)
				for i := range h {
					h[i] = max(-1, min(1, h[i]))
				}
				for range n {
					x[r.IntN(len(x))] = special[r.IntN(len(special))]
					p[r.IntN(len(p))] = special[r.IntN(len(special))]
				}
				want, wq := slices.Clone(h), make([]int8, n+1)
				got, gq := slices.Clone(h), make([]int8, n+1)
				wq[n], gq[n] = 77, 77
				cell.run(&Generic)(want, wq, x, p, n)
				cell.run(k)(got, gq, x, p, n)
				equalBits(t, cell.name+" state", got, want)
				if !slices.Equal(gq, wq) {
					t.Fatalf("%s: activations differ\n%v\n%v", cell.name, gq, wq)
				}
			}
		})
	}
}

func TestFreqs(t *testing.T) {
	others(t, func(t *testing.T, k *Kernel) {
		r := rand.New(rand.NewPCG(7, 8))
		for i := range 400 {
			logits := randomFloats(r, 256, 20)
			if i%3 == 0 {
				logits = logits[:Block*(1+r.IntN(16))]
			}
			if i%7 == 0 {
				for j := range logits {
					logits[j] = special[r.IntN(len(special))]
				}
			}
			got, want := make([]uint32, len(logits)), make([]uint32, len(logits))
			gt, wt := k.Freqs(got, logits), Generic.Freqs(want, logits)
			if gt != wt || !slices.Equal(got, want) {
				t.Fatalf("frequencies of %v differ:\n%v\n%v", logits, got, want)
			}
		}
	})
}
