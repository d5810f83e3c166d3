package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// avx2Ones makes the ones that avx2Columns wants.
func avx2Ones() {
	VPCMPEQD(ymm[avx2One], ymm[avx2One], ymm[avx2One])
	VPSRLW(Imm(15), ymm[avx2One], ymm[avx2One])
}

// The registers of avx2Columns after those of the sums.
const avx2W, avx2Abs, avx2One, avx2Tmp = 8, 10, 12, 13 // pairs, but for avx2One; 13 to 15 are free

// avx2Columns adds the products of 4 columns of weights, the c-th at w, and of the
// activations of each lane to ymm[2*l] and ymm[2*l+1]. VPMADDUBSW wants one factor unsigned and adds pairs in int16
// with saturation: |w| times a with the sign of w stays below 2*127*127 = 32258,
// so nothing saturates.
func avx2Columns(w, a reg.Register, c, lanes int) {
	for h := range 2 {
		VMOVDQU(Mem{Base: w, Disp: 64*c + 32*h}, ymm[avx2W+h])
		VPABSB(ymm[avx2W+h], ymm[avx2Abs+h])
	}
	for l := range lanes {
		b := ymm[15]
		VPBROADCASTD(Mem{Base: a, Disp: 16*l + 4*(c%4)}, b)
		for h := range 2 {
			t := ymm[avx2Tmp+h]
			VPSIGNB(ymm[avx2W+h], b, t)
			VPMADDUBSW(t, ymm[avx2Abs+h], t)
			VPMADDWD(ymm[avx2One], t, t)
			VPADDD(t, ymm[2*l+h], ymm[2*l+h])
		}
	}
}

// avx2MatMul writes the product for 16 rows x lanes with AVX2, two ymm registers
// for the 16 rows.
func avx2MatMul(lanes int) {
	matMul(fmt.Sprintf("matMulAVX2x%d", lanes),
		fmt.Sprintf("multiplies panels of signed weights with %d lanes (AVX2).", lanes),
		func(m matMulArgs, aPtr, n reg.Register) {
			for i := range 2 * lanes {
				VPXOR(ymm[i], ymm[i], ymm[i])
			}
			avx2Ones()
			Label("block")
			for c := range 4 {
				avx2Columns(m.w, aPtr, c, lanes)
			}
			ADDQ(U32(256), m.w)
			ADDQ(m.laneBytes, aPtr)
			DECQ(n)
			JNZ(labelRef("block"))
			for l := range lanes {
				for h := range 2 {
					VMOVDQU(ymm[2*l+h], Mem{Base: m.acc, Disp: 64*l + 32*h})
				}
			}
		})
}

// sums writes the sums of activations that kernels with unsigned weights need.
func sums() {
	TEXT("sumsAVX2", NOSPLIT, "func(dst *int32, a *int8, lanes, blocks, laneBytes uintptr)")
	Doc("sums the activations of each lane: a is [blocks] of 16-byte columns of each lane, laneBytes apart.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	a := Load(Param("a"), GP64())
	lanes := Load(Param("lanes"), GP64())
	blocks := Load(Param("blocks"), GP64())
	laneBytes := Load(Param("laneBytes"), GP64())
	one8, one16, acc, t := XMM(), XMM(), XMM(), XMM()
	VPCMPEQD(one16, one16, one16)
	VPABSB(one16, one8)
	VPSRLW(Imm(15), one16, one16)
	Label("lane")
	p, n := GP64(), GP64()
	MOVQ(a, p)
	MOVQ(blocks, n)
	VPXOR(acc, acc, acc)
	Label("block")
	VPMADDUBSW(Mem{Base: p}, one8, t)
	VPMADDWD(one16, t, t)
	VPADDD(t, acc, acc)
	ADDQ(laneBytes, p)
	DECQ(n)
	JNZ(labelRef("block"))
	VPHADDD(acc, acc, acc)
	VPHADDD(acc, acc, acc)
	VMOVD(acc, Mem{Base: dst})
	ADDQ(Imm(4), dst)
	ADDQ(Imm(16), a)
	DECQ(lanes)
	JNZ(labelRef("lane"))
	VZEROUPPER()
	RET()
}

// peakAVX2 writes the loop that measures the most a core can do with AVX2.
func peakAVX2() {
	TEXT("peakAVX2", NOSPLIT, "func(n uintptr)")
	Doc("runs n rounds of 8 independent products as in matMulAVX2, 256 multiply-adds a round, on registers.")
	n := Load(Param("n"), GP64())
	for i := range 16 {
		VPXOR(ymm[i], ymm[i], ymm[i])
	}
	Label("loop")
	for i := range 8 {
		t := ymm[8+i&3]
		VPSIGNB(ymm[14], ymm[15], t)
		VPMADDUBSW(t, ymm[13], t)
		VPMADDWD(ymm[12], t, t)
		VPADDD(t, ymm[i], ymm[i])
	}
	DECQ(n)
	JNZ(labelRef("loop"))
	VZEROUPPER()
	RET()
}
