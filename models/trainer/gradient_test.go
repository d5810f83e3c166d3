package trainer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/ggml/sgemm"
)

// TestGradient compares the gradient of every kind of weight with finite
// differences, over a chunk with streams that go on from a state and streams that
// start afresh in the middle.
func TestGradient(t *testing.T) {
	for _, arch := range []string{"gru", "lstm"} {
		p := newParams(Shape{Arch: arch, Layers: 2, Hidden: 8, Embed: 5})
		p.init(3)
		for i := range p.data {
			p.data[i] *= 3 // out of the linear range of the gates
		}
		kernel, err := sgemm.Choose("f32")
		if err != nil {
			t.Fatal(err)
		}
		n := newNetwork(p, kernel, 5, 6, 3, 2)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range n.input {
			n.input[i], n.target[i] = int32(r.IntN(4))+100, int32(r.IntN(256))
			if n.reset[i] = r.IntN(4) == 0; n.reset[i] {
				n.input[i] = startSymbol
			}
		}
		states := map[*float32][]float32{}
		for i := range n.layers {
			for _, s := range [][]float32{n.layers[i].h, n.layers[i].c} {
				for j := range s {
					s[j] = float32(r.NormFloat64() * 0.5)
				}
				if len(s) > 0 {
					states[&s[0]] = append([]float32(nil), s...)
				}
			}
		}
		loss := func(backward bool) float64 { // in nats
			for i := range n.layers {
				for _, s := range [][]float32{n.layers[i].h, n.layers[i].c} {
					if len(s) > 0 {
						copy(s, states[&s[0]])
					}
				}
			}
			n.prepare(backward)
			return n.forwardBackward(backward) * ln2
		}
		d := newGradients(n)
		loss(true)
		d.compute()
		const eps = 1e-2
		for _, tensor := range p.list {
			w, g := tensor.in(p.data), tensor.in(d.g.data)
			largest := 0.0
			for range 60 {
				i := r.IntN(len(w))
				if tensor.name == "embedding.weight" {
					i = []int{100, 101, 102, 103, startSymbol}[r.IntN(5)]*tensor.cols + r.IntN(tensor.cols)
				}
				old := w[i]
				w[i] = old + eps
				up := loss(false)
				w[i] = old - eps
				down := loss(false)
				w[i] = old
				want := (up - down) / (2 * eps)
				largest = max(largest, math.Abs(want))
				if diff := math.Abs(float64(g[i]) - want); diff > 1e-4+0.01*math.Abs(want) {
					t.Errorf("%s: gradient of %s[%d] is %v, finite differences give %v", arch, tensor.name, i, g[i], want)
				}
			}
			if largest < 5e-4 {
				t.Errorf("%s: gradients of %s are too small to be checked", arch, tensor.name)
			}
		}
	}
}

// TestBFloat16Gradient checks that rounding the operands disturbs the gradient no
// more than it must.
func TestBFloat16Gradient(t *testing.T) {
	gradient := func(precision string) []float32 {
		p := newParams(Shape{Arch: "gru", Layers: 2, Hidden: 16, Embed: 8})
		p.init(3)
		kernel, err := sgemm.Choose(precision)
		if err != nil {
			t.Fatal(err)
		}
		n := newNetwork(p, kernel, 12, 16, 16, 1)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range n.input {
			n.input[i], n.target[i] = int32(r.IntN(256)), int32(r.IntN(256))
		}
		n.prepare(true)
		n.forwardBackward(true)
		d := newGradients(n)
		d.compute()
		return d.g.data
	}
	exact, rounded := gradient("f32"), gradient("bf16")
	var diff, norm float64
	for i, v := range exact {
		diff += math.Pow(float64(rounded[i]-v), 2)
		norm += math.Pow(float64(v), 2)
	}
	if ratio := math.Sqrt(diff / norm); ratio > 0.01 {
		t.Errorf("bfloat16 gradient is %.2g of its norm away", ratio)
	}
}
