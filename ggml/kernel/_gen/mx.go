package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mxArgs are the arguments of the MatMulMX functions, loaded into registers.
type mxArgs struct {
	acc, w, a, shifts, sums, panels, groups, laneBytes, shiftBytes, accBytes reg.Register
}

// matMulMX begins a function like those of matMul for block-scaled activations.
// body does one panel; aPtr, s and n are fresh copies of a, shifts and groups.
func matMulMX(name, doc string, body func(m mxArgs, aPtr, s, n reg.Register)) {
	TEXT(name, NOSPLIT, "func(acc *int32, w, a *int8, shifts *uint32, sums *int32, panels, groups, laneBytes, shiftBytes, accBytes uintptr)")
	Doc(doc,
		"w: panels of [groups][8][16 rows][4] bytes; a: [2*groups] of 16-byte columns of each lane, laneBytes apart;",
		"shifts: [groups] of each lane, shiftBytes apart; acc: [lane][16] int32 of each panel, accBytes apart;",
		"sums: sums of activations by lane, where needed.")
	Pragma("noescape")
	m := mxArgs{
		acc:        Load(Param("acc"), GP64()),
		w:          Load(Param("w"), GP64()),
		a:          Load(Param("a"), GP64()),
		shifts:     Load(Param("shifts"), GP64()),
		sums:       Load(Param("sums"), GP64()),
		panels:     Load(Param("panels"), GP64()),
		groups:     Load(Param("groups"), GP64()),
		laneBytes:  Load(Param("laneBytes"), GP64()),
		shiftBytes: Load(Param("shiftBytes"), GP64()),
	}
	Label("panel")
	aPtr, s, n := GP64(), GP64(), GP64()
	MOVQ(m.a, aPtr)
	MOVQ(m.shifts, s)
	MOVQ(m.groups, n)
	body(m, aPtr, s, n)
	accBytes := Load(Param("accBytes"), GP64())
	ADDQ(accBytes, m.acc)
	DECQ(m.panels)
	JNZ(labelRef("panel"))
	VZEROUPPER()
	RET()
}

// vnniMatMulMX keeps 16 rows of each lane in a zmm register for the group, and in
// another for the total.
func vnniMatMulMX(lanes int) {
	acc, total := zmm[:lanes], zmm[lanes:2*lanes]
	matMulMX(fmt.Sprintf("matMulMXVNNI512x%d", lanes),
		fmt.Sprintf("multiplies panels of unsigned weights w+128 with %d lanes (AVX-512 VNNI).", lanes),
		func(m mxArgs, aPtr, s, n reg.Register) {
			for l := range lanes {
				VPXORD(total[l], total[l], total[l])
			}
			// What follows in memory is the next panel, most likely: the products of
			// many lanes leave time to fetch it.
			var ahead reg.Register
			if lanes >= 4 {
				ahead = GP64()
				MOVQ(m.groups, ahead)
				SHLQ(Imm(9), ahead)
			}
			Label("group")
			for l := range lanes {
				VPXORD(acc[l], acc[l], acc[l])
			}
			for c := range 8 {
				if c == 4 {
					ADDQ(m.laneBytes, aPtr)
				}
				vnniColumns(m.w, aPtr, ahead, c, lanes, func(l int) reg.VecPhysical { return acc[l] })
			}
			for l := range lanes {
				VPSLLVD_BCST(Mem{Base: s, Disp: 4 * l}, acc[l], acc[l])
				VPADDD(acc[l], total[l], total[l])
			}
			ADDQ(U32(512), m.w)
			ADDQ(m.laneBytes, aPtr)
			ADDQ(m.shiftBytes, s)
			DECQ(n)
			JNZ(labelRef("group"))
			for l := range lanes {
				t := zmm[28+l&3]
				VPBROADCASTD(Mem{Base: m.sums, Disp: 4 * l}, t)
				VPSLLD(Imm(7), t, t)
				VPSUBD(t, total[l], total[l])
				VMOVDQU64(total[l], Mem{Base: m.acc, Disp: 64 * l})
			}
		})
}

// endGroup adds the ymm registers of a group, two for each lane, to the totals in
// memory, and clears them. t is free.
func endGroup(m mxArgs, s reg.Register, lanes, t int) {
	for l := range lanes {
		VPBROADCASTD(Mem{Base: s, Disp: 4 * l}, ymm[t])
		for h := range 2 {
			r, at := ymm[2*l+h], Mem{Base: m.acc, Disp: 64*l + 32*h}
			VPSLLVD(ymm[t], r, r)
			VPADDD(at, r, r)
			VMOVDQU(r, at)
			VPXOR(r, r, r)
		}
	}
}

// clearTotals clears the registers and the totals in memory.
func clearTotals(m mxArgs, lanes int) {
	for i := range 2 * lanes {
		VPXOR(ymm[i], ymm[i], ymm[i])
		VMOVDQU(ymm[i], Mem{Base: m.acc, Disp: 32 * i})
	}
}

// vnni256MatMulMX is the same with ymm registers, two for the 16 rows.
func vnni256MatMulMX(lanes int, vex bool) {
	enc, ext := "VEX", "AVX-VNNI"
	if !vex {
		enc, ext = "EVEX", "AVX-512 VNNI and VL"
	}
	matMulMX(fmt.Sprintf("matMulMXVNNI256%sx%d", enc, lanes),
		fmt.Sprintf("multiplies panels of unsigned weights w+128 with %d lanes (%s).", lanes, ext),
		func(m mxArgs, aPtr, s, n reg.Register) {
			clearTotals(m, lanes)
			Label("group")
			for c := range 8 {
				if c == 4 {
					ADDQ(m.laneBytes, aPtr)
				}
				vnni256Columns(m.w, aPtr, vex, c, lanes, func(l, h int) int { return 2*l + h })
			}
			endGroup(m, s, lanes, 14)
			ADDQ(U32(512), m.w)
			ADDQ(m.laneBytes, aPtr)
			ADDQ(m.shiftBytes, s)
			DECQ(n)
			JNZ(labelRef("group"))
			for l := range lanes {
				VPBROADCASTD(Mem{Base: m.sums, Disp: 4 * l}, ymm[12])
				VPSLLD(Imm(7), ymm[12], ymm[12])
				for h := range 2 {
					at := Mem{Base: m.acc, Disp: 64*l + 32*h}
					VMOVDQU(at, ymm[13])
					VPSUBD(ymm[12], ymm[13], ymm[13])
					VMOVDQU(ymm[13], at)
				}
			}
		})
}

// avx2MatMulMX is the same with AVX2 alone, see avx2MatMul.
func avx2MatMulMX(lanes int) {
	matMulMX(fmt.Sprintf("matMulMXAVX2x%d", lanes),
		fmt.Sprintf("multiplies panels of signed weights with %d lanes (AVX2).", lanes),
		func(m mxArgs, aPtr, s, n reg.Register) {
			clearTotals(m, lanes)
			avx2Ones()
			Label("group")
			for c := range 8 {
				if c == 4 {
					ADDQ(m.laneBytes, aPtr)
				}
				avx2Columns(m.w, aPtr, c, lanes)
			}
			endGroup(m, s, lanes, avx2Tmp)
			ADDQ(U32(512), m.w)
			ADDQ(m.laneBytes, aPtr)
			ADDQ(m.shiftBytes, s)
			DECQ(n)
			JNZ(labelRef("group"))
		})
}
