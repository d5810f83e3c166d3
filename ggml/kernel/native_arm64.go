//go:build !noasm

package kernel

import "github.com/llmz/llmz/ggml/simd"

// native returns the kernels that this processor can run. Every arm64 processor
// has NEON; SDOT is an extension.
func native() []*Kernel {
	neon := Kernel{
		Name: "neon", Level: simd.NEON,
		MatMul: matMulNEON, Dequant: dequantARM, GRU: gruARM, LSTM: lstmARM, Freqs: freqsARM,
		Transformer: transformerARM(tilesMXNEON),
	}
	list := []*Kernel{&neon}
	if simd.NEONDot.Runs() {
		dot := neon
		dot.Name, dot.Level, dot.MatMul, dot.Transformer = "neondot", simd.NEONDot, matMulDot, transformerARM(tilesMXDot)
		list = append(list, &dot)
	}
	return list
}

// The MatMul functions multiply panels with a fixed number of lanes: w is panels
// of [blocks][4][16 rows][4] bytes, a is [blocks] of 16-byte columns of each lane,
// laneBytes apart, acc is [lane][16] of each panel, accBytes apart.

//go:noescape
func matMulDot4(acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr)

//go:noescape
func matMulDot2(acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr)

//go:noescape
func matMulDot1(acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr)

//go:noescape
func matMulNEON2(acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr)

//go:noescape
func matMulNEON1(acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr)

//go:noescape
func dequantNEON(dst *float32, acc *int32, scale, bias *float32, lanes, stride uintptr)

//go:noescape
func gruNEON(state *float32, q *int8, x, p *float32, n uintptr)

//go:noescape
func lstmNEON(state *float32, q *int8, x, p *float32, n uintptr)

//go:noescape
func freqsNEON(freqs *uint32, logits *float32, n uintptr) (total uint32)

// tile is a MatMul for a fixed number of lanes.
type tile struct {
	lanes int
	mul   func(acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr)
}

var (
	tilesDot  = []tile{{4, matMulDot4}, {2, matMulDot2}, {1, matMulDot1}}
	tilesNEON = []tile{{2, matMulNEON2}, {1, matMulNEON1}}
)

// tiled covers the lanes with tiles, the widest first.
func tiled(tiles []tile, acc []int32, w, a []int8, panels, lanes, stride, blocks int) {
	for l := 0; l < lanes; {
		for _, t := range tiles {
			if t.lanes > lanes-l {
				continue
			}
			t.mul(&acc[l*Rows], &w[0], &a[l*Block], uintptr(panels), uintptr(blocks), uintptr(stride*Block), uintptr(lanes*Rows*4))
			l += t.lanes
			break
		}
	}
}

func matMulDot(acc []int32, w, a []int8, _ []int32, panels, lanes, stride, blocks int) {
	tiled(tilesDot, acc, w, a, panels, lanes, stride, blocks)
}

func matMulNEON(acc []int32, w, a []int8, _ []int32, panels, lanes, stride, blocks int) {
	tiled(tilesNEON, acc, w, a, panels, lanes, stride, blocks)
}

func dequantARM(dst []float32, acc []int32, scale, bias []float32, lanes, stride int) {
	dequantNEON(&dst[0], &acc[0], &scale[0], &bias[0], uintptr(lanes), uintptr(stride*4))
}

func gruARM(h []float32, q []int8, x, p []float32, n int) {
	gruNEON(&h[0], &q[0], &x[0], &p[0], uintptr(n))
}

func lstmARM(c []float32, q []int8, x, p []float32, n int) {
	lstmNEON(&c[0], &q[0], &x[0], &p[0], uintptr(n))
}

func freqsARM(freqs []uint32, logits []float32) uint32 {
	return freqsNEON(&freqs[0], &logits[0], uintptr(len(logits)))
}
