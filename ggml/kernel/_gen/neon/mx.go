package main

import "fmt"

const matMulMXSignature = "acc *int32, w, a *int8, shifts *uint32, panels, groups, laneBytes, shiftBytes, accBytes uintptr"

// matMulMX writes the loops over panels and groups of block-scaled activations.
// Registers are those of matMul; R8 counts groups, R10 is shifts, R11 shiftBytes,
// R12 the shifts of the group. Totals are kept in acc. fold turns a lane's registers
// into four vectors of 4 rows, whose numbers it returns; V20 to V24 are free then.
func matMulMX(name, doc string, lanes, registers int, block func(), fold func(lane int) [4]int) {
	text(name, matMulMXSignature, doc, 72)
	asm("MOVD acc+0(FP), R0")
	asm("MOVD w+8(FP), R1")
	asm("MOVD a+16(FP), R2")
	asm("MOVD shifts+24(FP), R10")
	asm("MOVD panels+32(FP), R3")
	asm("MOVD groups+40(FP), R4")
	asm("MOVD laneBytes+48(FP), R5")
	asm("MOVD shiftBytes+56(FP), R11")
	asm("MOVD accBytes+64(FP), R6")
	label("panel")
	asm("MOVD R2, R7")
	asm("MOVD R10, R12")
	asm("MOVD R4, R8")
	for i := range 4 {
		zero(20 + i)
	}
	asm("MOVD R0, R9")
	for range lanes {
		asm("VST1.P %s, 64(R9)", regs("V%d.S4", 20, 4))
	}
	label("group")
	for i := range registers {
		zero(i)
	}
	for range 2 {
		block()
		asm("ADD R5, R7, R7")
	}
	asm("MOVD R0, R9")
	asm("MOVD R12, R13")
	for l := range lanes {
		rows := fold(l)
		asm("VLD1R.P 4(R13), [V24.S4]")
		asm("VLD1 (R9), %s", regs("V%d.S4", 20, 4))
		for v, r := range rows {
			op3(sshl, r, 24, r)
			op3(addS, r, 20+v, 20+v)
		}
		asm("VST1.P %s, 64(R9)", regs("V%d.S4", 20, 4))
	}
	asm("ADD R11, R12, R12")
	asm("SUB $1, R8, R8")
	asm("CBNZ R8, group")
	asm("ADD R6, R0, R0")
	asm("SUB $1, R3, R3")
	asm("CBNZ R3, panel")
	asm("RET")
}

func dotMatMulMX(lanes int) {
	matMulMX(fmt.Sprintf("matMulMXDot%d", lanes), fmt.Sprintf("multiplies panels with %d lanes of block-scaled activations, by SDOT.", lanes),
		lanes, 4*lanes, func() { dotBlock(lanes) },
		func(l int) [4]int { return [4]int{4 * l, 4*l + 1, 4*l + 2, 4*l + 3} })
}

func neonMatMulMX(lanes int) {
	matMulMX(fmt.Sprintf("matMulMXNEON%d", lanes), fmt.Sprintf("multiplies panels with %d lanes of block-scaled activations.", lanes),
		lanes, 8*lanes, func() { neonBlock(lanes) },
		func(l int) (rows [4]int) {
			for v := range 4 {
				r := 8*l + 2*v
				op3(addp, r, r+1, r)
				rows[v] = r
			}
			return rows
		})
}
