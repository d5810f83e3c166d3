package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vnniColumns adds the products of 4 columns of weights, the c-th at w, and of the
// activations of each lane to acc(l). The rows lie across the vector; the 4 activations
// that go with a vector of weights are broadcast from memory. What stands ahead bytes on
// is fetched, or with few lanes what is a page on: they run at the speed of memory, and
// the prefetcher stops at pages.
func vnniColumns(w, a, ahead reg.Register, c, lanes int, acc func(l int) reg.VecPhysical) {
	r := zmm[28+c%4]
	VMOVDQU64(Mem{Base: w, Disp: 64 * c}, r)
	switch {
	case ahead != nil:
		PREFETCHT0(Mem{Base: w, Index: ahead, Scale: 1, Disp: 64 * c})
	case lanes <= 2:
		PREFETCHT0(Mem{Base: w, Disp: 64*c + 4096})
	}
	for l := range lanes {
		vpdpbusd(Mem{Base: a, Disp: 16*l + 4*(c%4)}, r, acc(l))
	}
}

// vnniMatMul writes the product for 16 rows x lanes in zmm registers. With few lanes the columns are spread over several
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
				vnniColumns(m.w, aPtr, nil, c, lanes, func(l int) reg.VecPhysical { return acc(c, l) })
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

// vnni256Columns is vnniColumns for ymm registers, two for the 16 rows: acc(l, h) is the
// number of the register of a half.
func vnni256Columns(w, a reg.Register, vex bool, c, lanes int, acc func(l, h int) int) {
	VMOVDQU(Mem{Base: w, Disp: 64 * c}, ymm[12])
	VMOVDQU(Mem{Base: w, Disp: 64*c + 32}, ymm[13])
	for l := range lanes {
		b := 14 + l&1
		VPBROADCASTD(Mem{Base: a, Disp: 16*l + 4*(c%4)}, ymm[b])
		for h := range 2 {
			if vex {
				vpdpbusdVEX(b, 12+h, acc(l, h))
			} else {
				vpdpbusd(ymm[b], ymm[12+h], ymm[acc(l, h)])
			}
		}
	}
}

// vnni256MatMul is the same for ymm registers, two for the 16 rows.
func vnni256MatMul(lanes int, vex bool) {
	enc, ext := "VEX", "AVX-VNNI"
	if !vex {
		enc, ext = "EVEX", "AVX-512 VNNI and VL"
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
				vnni256Columns(m.w, aPtr, vex, c, lanes, func(l, h int) int { return acc(c, l, h) })
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
