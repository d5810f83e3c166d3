package trainer

import (
	"math/rand/v2"
	"testing"

	"github.com/llmz/llmz/ggml/sgemm"
)

// BenchmarkStep reports the bytes per second and the 10^9 multiply-adds of products per second,
// forward and backward, of a model's chunk.
func BenchmarkStep(b *testing.B) {
	b.Run("gru", func(b *testing.B) {
		p := newParams(Shape{Arch: GRU, Layers: 3, Hidden: 512, Embed: 128})
		p.init(1)
		n := newNetwork(p, sgemm.Best(sgemm.BF16), 64, 64, 16, 1)
		d := newGradients(n)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range n.input {
			n.input[i], n.target[i] = int32(r.IntN(256)), int32(r.IntN(256))
		}
		for b.Loop() {
			n.prepare(true)
			n.forwardBackward(true)
			d.compute()
		}
		b.ReportMetric(float64(n.symbols)*3*float64(p.shape.Parameters())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
	})
	b.Run("gpt", func(b *testing.B) {
		s := Shape{Arch: GPT, Layers: 6, Hidden: 384, Heads: 6, KVHeads: 6, Inner: 1024, Vocabulary: 8192, Context: 512}
		p := newParams(s)
		p.init(1)
		n := bareTransformer(p, sgemm.Best(sgemm.BF16), 1)
		n.allocate(4)
		n.losses = make([]float64, 1)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range n.input {
			n.input[i], n.target[i] = int32(r.IntN(s.Vocabulary)), int32(r.IntN(s.Vocabulary))
		}
		g := make([]float32, len(p.data))
		for b.Loop() {
			n.prepare(true)
			n.forwardBackward(b.Context(), g)
		}
		// Attention: a query looks at half of the sequence, in 2 products forward and 4 backward.
		macs := 3*float64(s.Parameters()) + 3*float64(s.Layers*s.Hidden*s.Context)
		b.ReportMetric(float64(len(n.input))*macs*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
	})
}
