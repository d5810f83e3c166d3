package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// peak is a loop of nothing but multiply-adds on registers.
type peak struct {
	name string
	run  func(n uintptr)
	macs float64 // multiply-adds of a round
}

// BenchmarkPeak measures the int8 multiply-adds per second a core can do at most.
func BenchmarkPeak(b *testing.B) {
	for _, p := range peaks() {
		b.Run(p.name, func(b *testing.B) {
			const rounds = 1000
			for b.Loop() {
				p.run(rounds)
			}
			b.ReportMetric(float64(b.N)*rounds*p.macs/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}

// BenchmarkMatMul measures matrix products of 48 rows, which fit in the caches, and
// of 4 MiB, which stream from memory or the last cache.
func BenchmarkMatMul(b *testing.B) {
	const blocks = 32
	for _, k := range List() {
		for _, panels := range []int{3, 510} {
			for _, lanes := range []int{1, 8, 16, 32} {
				if k.Name == Generic.Name && panels*lanes > 48 {
					continue
				}
				b.Run(fmt.Sprintf("%s/rows=%d/lanes=%d", k.Name, panels*Rows, lanes), func(b *testing.B) {
					r := rand.New(rand.NewPCG(1, 1))
					w := randomInt8s(r, panels*blocks*Rows*Block)
					a := randomInt8s(r, lanes*blocks*Block)
					acc, sums := make([]int32, 3*lanes*Rows), make([]int32, lanes)
					size := 3 * blocks * Rows * Block
					for b.Loop() {
						for p := 0; p+3 <= panels; p += 3 {
							k.MatMul(acc, w[p/3*size:], a, sums, 3, lanes, lanes, blocks)
						}
					}
					macs := float64(b.N) * float64(panels*Rows) * float64(lanes) * blocks * Block
					b.ReportMetric(macs/b.Elapsed().Seconds()/1e9, "GMAC/s")
					if lanes == 1 {
						b.ReportMetric(macs/b.Elapsed().Seconds()/1e9, "GB/s")
					}
				})
			}
		}
	}
}

// BenchmarkRead measures how fast 4 MiB can be read, the limit of products with
// one lane.
func BenchmarkRead(b *testing.B) {
	v := make([]uint64, 4<<20/8)
	var sum uint64
	for b.Loop() {
		for i := 0; i < len(v); i += 8 {
			c := (*[8]uint64)(v[i:])
			sum += c[0] ^ c[1] ^ c[2] ^ c[3] ^ c[4] ^ c[5] ^ c[6] ^ c[7]
		}
	}
	sink = sum
	b.ReportMetric(float64(b.N)*float64(len(v)*8)/b.Elapsed().Seconds()/1e9, "GB/s")
}

var sink uint64

// BenchmarkElementwise measures the rest of a step, for 16 lanes of 512 units.
func BenchmarkElementwise(b *testing.B) {
	const n = 16 * 512
	for _, k := range List() {
		r := rand.New(rand.NewPCG(1, 1))
		x, p := randomFloats(r, 4*n, 2), randomFloats(r, 4*n, 2)
		state, q := make([]float32, n), make([]int8, n)
		logits, freqs := randomFloats(r, 256, 5), make([]uint32, 256)
		acc := make([]int32, n)
		for _, c := range []struct {
			name string
			n    int
			run  func()
		}{
			{"gru", n, func() { k.GRU(state, q, x, p, n) }},
			{"lstm", n, func() { k.LSTM(state, q, x, p, n) }},
			{"dequant", n, func() { k.Dequant(x, acc, p, p[Rows:], n/Rows, Rows) }},
			{"freqs", 256, func() { k.Freqs(freqs, logits) }},
		} {
			b.Run(k.Name+"/"+c.name, func(b *testing.B) {
				for b.Loop() {
					c.run()
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(c.n), "ns/element")
			})
		}
	}
}

// BenchmarkMatMulMX measures products of GPT-2's shapes with block-scaled
// activations beside plain ones.
func BenchmarkMatMulMX(b *testing.B) {
	for _, k := range List() {
		for _, lanes := range []int{1, 2, 4, 8, 12, 16, 24, 32} {
			if k.Name == Generic.Name && lanes > 1 {
				continue
			}
			const groups, panels = 24, 16
			w, a := make([]int8, panels*groups*Rows*Group), make([]int8, lanes*groups*Group)
			acc, sums, shifts := make([]int32, panels*lanes*Rows), make([]int32, lanes), make([]uint32, lanes*groups)
			n := float64(panels * Rows * groups * Group * lanes)
			b.Run(fmt.Sprintf("%s/lanes=%d/plain", k.Name, lanes), func(b *testing.B) {
				for b.Loop() {
					k.MatMul(acc, w, a, sums, panels, lanes, lanes, 2*groups)
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
			b.Run(fmt.Sprintf("%s/lanes=%d/mx", k.Name, lanes), func(b *testing.B) {
				for b.Loop() {
					k.MatMulMX(acc, w, a, shifts, sums, panels, lanes, lanes, groups)
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}
