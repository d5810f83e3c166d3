//go:build !noasm

package kernel

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/llmz/llmz/ggml/simd"
)

// unsigned is the Offset of kernels that use VPDPBUSD, which multiplies unsigned
// by signed bytes: weights are stored as w + 128.
const unsigned = 0x80

// native returns the kernels that this processor can run.
func native() []*Kernel {
	if !simd.AVX2.Runs() {
		return nil
	}
	list := []*Kernel{{
		Name: "avx2", Level: simd.AVX2,
		MatMul:  matMulAVX2,
		Dequant: dequantAVX2, GRU: gruAVX2, LSTM: lstmAVX2, Freqs: freqsAVX2,
		Transformer: loops256.transformer(tilesMXAVX2),
	}}
	// The AVX-VNNI kernel exists in both encodings of its one special instruction.
	vnni256 := Kernel{
		Name: "avxvnni", Level: simd.AVXVNNI, Offset: unsigned,
		Sums: sumLanes, Dequant: dequantAVX2, GRU: gruAVX2, LSTM: lstmAVX2, Freqs: freqsAVX2,
	}
	avx512 := simd.AVX512VNNI.Runs()
	switch {
	case simd.Has(cpuid.AVXVNNI):
		vnni256.MatMul = matMulAVXVNNI
		vnni256.Transformer = loops256.transformer(tilesMXVEX)
	case avx512:
		vnni256.MatMul = matMulEVEX256
		vnni256.Transformer = loops256.transformer(tilesMXEVEX)
	}
	if vnni256.MatMul != nil {
		list = append(list, &vnni256)
	}
	if avx512 {
		list = append(list, &Kernel{
			Name: "avx512vnni", Level: simd.AVX512VNNI, Offset: unsigned,
			Sums: sumLanes, MatMul: matMulAVX512VNNI,
			Dequant: dequantAVX512, GRU: gruAVX512, LSTM: lstmAVX512, Freqs: freqsAVX512,
			Transformer: loops512.transformer(tilesMX512),
		})
	}
	return list
}

// tile is a MatMul for a fixed number of lanes.
type tile struct {
	lanes int
	mul   func(acc *int32, w, a *int8, sums *int32, panels, blocks, laneBytes, accBytes uintptr)
}

// noSums is what kernels get that want no sums.
var noSums [1]int32

// tiled covers the lanes with tiles, the widest first.
func tiled(tiles []tile, acc []int32, w, a []int8, sums []int32, panels, lanes, stride, blocks int) {
	for l := 0; l < lanes; {
		for _, t := range tiles {
			if t.lanes > lanes-l {
				continue
			}
			s := &noSums[0]
			if sums != nil {
				s = &sums[l]
			}
			t.mul(&acc[l*Rows], &w[0], &a[l*Block], s,
				uintptr(panels), uintptr(blocks), uintptr(stride*Block), uintptr(lanes*Rows*4))
			l += t.lanes
			break
		}
	}
}

var (
	tilesAVX512 = []tile{{16, matMulVNNI512x16}, {8, matMulVNNI512x8}, {4, matMulVNNI512x4}, {2, matMulVNNI512x2}, {1, matMulVNNI512x1}}
	tilesVEX    = []tile{{6, matMulVNNI256VEXx6}, {4, matMulVNNI256VEXx4}, {2, matMulVNNI256VEXx2}, {1, matMulVNNI256VEXx1}}
	tilesEVEX   = []tile{{6, matMulVNNI256EVEXx6}, {4, matMulVNNI256EVEXx4}, {2, matMulVNNI256EVEXx2}, {1, matMulVNNI256EVEXx1}}
	tilesAVX2   = []tile{{4, matMulAVX2x4}, {2, matMulAVX2x2}, {1, matMulAVX2x1}}
)

func matMulAVX512VNNI(acc []int32, w, a []int8, sums []int32, panels, lanes, stride, blocks int) {
	tiled(tilesAVX512, acc, w, a, sums, panels, lanes, stride, blocks)
}

func matMulAVXVNNI(acc []int32, w, a []int8, sums []int32, panels, lanes, stride, blocks int) {
	tiled(tilesVEX, acc, w, a, sums, panels, lanes, stride, blocks)
}

func matMulEVEX256(acc []int32, w, a []int8, sums []int32, panels, lanes, stride, blocks int) {
	tiled(tilesEVEX, acc, w, a, sums, panels, lanes, stride, blocks)
}

func matMulAVX2(acc []int32, w, a []int8, _ []int32, panels, lanes, stride, blocks int) {
	tiled(tilesAVX2, acc, w, a, nil, panels, lanes, stride, blocks)
}

func sumLanes(dst []int32, a []int8, lanes, stride, blocks int) {
	sumsAVX2(&dst[0], &a[0], uintptr(lanes), uintptr(blocks), uintptr(stride*Block))
}

func dequantAVX2(dst []float32, acc []int32, scale, bias []float32, lanes, stride int) {
	dequant256(&dst[0], &acc[0], &scale[0], &bias[0], uintptr(lanes), uintptr(stride*4))
}

func gruAVX2(h []float32, q []int8, x, p []float32, n int) {
	gru256(&h[0], &q[0], &x[0], &p[0], uintptr(n))
}

func lstmAVX2(c []float32, q []int8, x, p []float32, n int) {
	lstm256(&c[0], &q[0], &x[0], &p[0], uintptr(n))
}

func freqsAVX2(freqs []uint32, logits []float32) uint32 {
	return freqs256(&freqs[0], &logits[0], uintptr(len(logits)))
}

func dequantAVX512(dst []float32, acc []int32, scale, bias []float32, lanes, stride int) {
	dequant512(&dst[0], &acc[0], &scale[0], &bias[0], uintptr(lanes), uintptr(stride*4))
}

func gruAVX512(h []float32, q []int8, x, p []float32, n int) {
	gru512(&h[0], &q[0], &x[0], &p[0], uintptr(n))
}

func lstmAVX512(c []float32, q []int8, x, p []float32, n int) {
	lstm512(&c[0], &q[0], &x[0], &p[0], uintptr(n))
}

func freqsAVX512(freqs []uint32, logits []float32) uint32 {
	return freqs512(&freqs[0], &logits[0], uintptr(len(logits)))
}
