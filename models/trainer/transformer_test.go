package trainer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/ggml/sgemm"
)

// tinyTransformers are shapes with everything that there is: several layers and heads,
// shared keys and values, and more than one block of queries.
func tinyTransformers() []Shape {
	return []Shape{
		{Arch: GPT, Layers: 2, Hidden: 32, Heads: 4, KVHeads: 2, Inner: 40, Vocabulary: 300, Context: 136},
		{Arch: GPT2, Layers: 2, Hidden: 24, Heads: 3, KVHeads: 3, Inner: 48, Vocabulary: 270, Context: 16},
	}
}

// filled returns a transformer with a chunk of noise.
func filled(t *testing.T, s Shape, precision string, sequences, groups, threads int) *transformer {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	kernel, err := sgemm.Choose(precision)
	if err != nil {
		t.Fatal(err)
	}
	p := newParams(s)
	p.init(3)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range p.data {
		p.data[i] += float32(r.NormFloat64() * 0.1) // biases too, and off the symmetry of the start
	}
	n := bareTransformer(p, kernel, threads)
	n.allocate(sequences)
	n.groups, n.losses = groups, make([]float64, groups)
	for range groups - 1 {
		n.gradients = append(n.gradients, make([]float32, len(p.data)))
	}
	for i := range n.input {
		n.input[i], n.target[i] = int32(r.IntN(5)), int32(r.IntN(s.Vocabulary))
		if r.IntN(10) == 0 {
			n.target[i] = none
		}
	}
	return n
}

// TestTransformerGradient compares the gradient of every kind of weight with finite
// differences.
func TestTransformerGradient(t *testing.T) {
	for _, s := range tinyTransformers() {
		n := filled(t, s, "f32", 4, 2, 2)
		g := make([]float32, len(n.p.data))
		predictions := 0
		for _, x := range n.target {
			if x != none {
				predictions++
			}
		}
		n.prepare(true)
		n.forwardBackward(t.Context(), g)
		loss := func() float64 {
			n.prepare(false)
			return n.forwardBackward(t.Context(), nil) / float64(predictions)
		}
		const eps = 1e-2
		r := rand.New(rand.NewPCG(4, 4))
		for _, tensor := range n.p.list {
			w, dw := tensor.in(n.p.data), tensor.in(g)
			largest := 0.0
			for range 25 {
				i := r.IntN(len(w))
				if tensor.name == "token_embd.weight" {
					i = r.IntN(5)*tensor.cols + r.IntN(tensor.cols)
				}
				old := w[i]
				w[i] = old + eps
				up := loss()
				w[i] = old - eps
				down := loss()
				w[i] = old
				want := (up - down) / (2 * eps)
				largest = max(largest, math.Abs(want))
				if diff := math.Abs(float64(dw[i]) - want); diff > 1e-4+0.02*math.Abs(want) {
					t.Errorf("%s: gradient of %s[%d] is %v, finite differences give %v", s.Arch, tensor.name, i, dw[i], want)
				}
			}
			if largest < 4e-4 {
				t.Errorf("%s: gradients of %s are too small to be checked: %g", s.Arch, tensor.name, largest)
			}
		}
	}
}
