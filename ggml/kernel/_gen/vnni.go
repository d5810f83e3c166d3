package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vnniMatMul writes the product for 16 rows x lanes in zmm registers. The rows
// lie across the vector; the 4 activations that go with a vector of weights are
// broadcast from memory. With few lanes the columns are spread over several
// accumulators, so that additions do not wait for each other.
func vnniMatMul(lanes int) {
	chains := max(1, min(4, 16/lanes))
	acc := func(c, l int) reg.VecPhysical { return zmm[c%chains*lanes+l] }
	matMul(fmt.Sprintf("matMulVNNI512x%d", lanes),
		fmt.Sprintf("multiplies panels of unsigned weights w+128 with %d lanes (AVX-512 VNNI).", lanes),
		func(m matMulArgs, aPtr, n reg.Register) {
			for i := range chains * lanes {
				VPXORD(zmm[i], zmm[i], zmm[i])
			}
			Label("block")
			for c := range 4 {
				w := zmm[28+c]
				VMOVDQU64(Mem{Base: m.w, Disp: 64 * c}, w)
				if lanes <= 2 {
					// One lane runs at the speed of memory: help the prefetcher across
					// pages.
					PREFETCHT0(Mem{Base: m.w, Disp: 64*c + 4096})
				}
				for l := range lanes {
					vpdpbusd(Mem{Base: aPtr, Disp: 16*l + 4*c}, w, acc(c, l))
				}
			}
			ADDQ(U32(256), m.w)
			ADDQ(m.laneBytes, aPtr)
			DECQ(n)
			JNZ(labelRef("block"))
			for l := range lanes {
				for c := 1; c < chains; c++ {
					VPADDD(acc(c, l), acc(0, l), acc(0, l))
				}
				// w+128 added 128 times the sum of the activations.
				s := zmm[28+l&3]
				VPBROADCASTD(Mem{Base: m.sums, Disp: 4 * l}, s)
				VPSLLD(Imm(7), s, s)
				VPSUBD(s, acc(0, l), acc(0, l))
				VMOVDQU64(acc(0, l), Mem{Base: m.acc, Disp: 64 * l})
			}
		})
}

// vnni256MatMul is the same for ymm registers, two for the 16 rows.
func vnni256MatMul(lanes int, vex bool) {
	enc, ext := "VEX", "AVX-VNNI"
	if !vex {
		enc, ext = "EVEX", "AVX-512 VNNI and VL"
	}
	dot := func(a, w, acc int) {
		if vex {
			vpdpbusdVEX(a, w, acc)
		} else {
			vpdpbusd(ymm[a], ymm[w], ymm[acc])
		}
	}
	matMul(fmt.Sprintf("matMulVNNI256%sx%d", enc, lanes),
		fmt.Sprintf("multiplies panels of unsigned weights w+128 with %d lanes (%s).", lanes, ext),
		func(m matMulArgs, aPtr, n reg.Register) {
			chains := max(1, min(2, 4/lanes))
			acc := func(c, l, h int) int { return (c%chains*lanes+l)*2 + h }
			for i := range chains * lanes * 2 {
				VPXOR(ymm[i], ymm[i], ymm[i])
			}
			Label("block")
			for c := range 4 {
				VMOVDQU(Mem{Base: m.w, Disp: 64 * c}, ymm[12])
				VMOVDQU(Mem{Base: m.w, Disp: 64*c + 32}, ymm[13])
				for l := range lanes {
					b := 14 + l&1
					VPBROADCASTD(Mem{Base: aPtr, Disp: 16*l + 4*c}, ymm[b])
					dot(b, 12, acc(c, l, 0))
					dot(b, 13, acc(c, l, 1))
				}
			}
			ADDQ(U32(256), m.w)
			ADDQ(m.laneBytes, aPtr)
			DECQ(n)
			JNZ(labelRef("block"))
			for l := range lanes {
				VPBROADCASTD(Mem{Base: m.sums, Disp: 4 * l}, ymm[12])
				VPSLLD(Imm(7), ymm[12], ymm[12])
				for h := range 2 {
					r := ymm[acc(0, l, h)]
					if chains == 2 {
						VPADDD(ymm[acc(1, l, h)], r, r)
					}
					VPSUBD(ymm[12], r, r)
					VMOVDQU(r, Mem{Base: m.acc, Disp: 64*l + 32*h})
				}
			}
		})
}

// peakVNNI writes the loop that measures the most a core can do.
func peakVNNI() {
	TEXT("peakVNNI512", NOSPLIT, "func(n uintptr)")
	Doc("runs n rounds of 16 independent 512-bit VPDPBUSD, 1024 multiply-adds a round, on registers.")
	n := Load(Param("n"), GP64())
	Label("loop")
	for i := range 16 {
		vpdpbusd(zmm[30], zmm[31], zmm[i])
	}
	DECQ(n)
	JNZ(labelRef("loop"))
	VZEROUPPER()
	RET()
}
