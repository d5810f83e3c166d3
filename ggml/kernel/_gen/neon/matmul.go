package main

import "fmt"

const matMulSignature = "acc *int32, w, a *int8, panels, blocks, laneBytes, accBytes uintptr"

// matMul writes the loops over panels and blocks. R0: acc, R1: w, R2: a,
// R3: panels, R4: blocks, R5: laneBytes, R6: accBytes; R7: a of the block, R8:
// blocks left.
func matMul(name, doc string, clear, block, store func()) {
	text(name, matMulSignature, doc, 56)
	asm("MOVD acc+0(FP), R0")
	asm("MOVD w+8(FP), R1")
	asm("MOVD a+16(FP), R2")
	asm("MOVD panels+24(FP), R3")
	asm("MOVD blocks+32(FP), R4")
	asm("MOVD laneBytes+40(FP), R5")
	asm("MOVD accBytes+48(FP), R6")
	label("panel")
	asm("MOVD R2, R7")
	asm("MOVD R4, R8")
	clear()
	label("block")
	block()
	asm("ADD R5, R7, R7")
	asm("SUB $1, R8, R8")
	asm("CBNZ R8, block")
	store()
	asm("ADD R6, R0, R0")
	asm("SUB $1, R3, R3")
	asm("CBNZ R3, panel")
	asm("RET")
}

func storeLanes(lanes int, reg func(lane int) int) {
	asm("MOVD R0, R9")
	for l := range lanes {
		asm("VST1.P %s, 64(R9)", regs("V%d.S4", reg(l), 4))
	}
}

// dotMatMul uses SDOT: 16 rows are four vectors of 4 rows x 4 columns.
func dotMatMul(lanes int) {
	matMul(fmt.Sprintf("matMulDot%d", lanes), fmt.Sprintf("multiplies panels with %d lanes, by SDOT.", lanes),
		func() {
			for i := range 4 * lanes {
				zero(i)
			}
		},
		func() { dotBlock(lanes) },
		func() { storeLanes(lanes, func(l int) int { return 4 * l }) })
}

// dotBlock multiplies 16 columns. The accumulator of lane l and rows 4v to 4v+3 is
// register 4l+v.
func dotBlock(lanes int) {
	const a, w = 16, 24
	asm("VLD1 (R7), %s", regs("V%d.B16", a, lanes))
	for c := range 4 {
		asm("VLD1.P 64(R1), %s", regs("V%d.B16", w+4*(c&1), 4))
		for v := range 4 {
			for l := range lanes {
				sdot(w+4*(c&1)+v, a+l, c, 4*l+v)
			}
		}
	}
}

// neonMatMul uses SMULL, SMLAL and SADALP: products of two columns are added in
// int16, where 2*127*127 = 32258 fits, then pairs of those in int32. Each vector of 4
// rows has two accumulators, of two rows each, whose pairs are added at the end.
func neonMatMul(lanes int) {
	acc := func(l, v, h int) int { return 8*l + 2*v + h }
	matMul(fmt.Sprintf("matMulNEON%d", lanes), fmt.Sprintf("multiplies panels with %d lanes.", lanes),
		func() {
			for i := range 8 * lanes {
				zero(i)
			}
		},
		func() { neonBlock(lanes) },
		func() {
			for l := range lanes {
				for v := range 4 {
					op3(addp, acc(l, v, 0), acc(l, v, 1), acc(l, v/2, 0)+v%2)
				}
			}
			storeLanes(lanes, func(l int) int { return 8 * l })
		})
}

// neonBlock multiplies 16 columns. The accumulators of lane l and rows 4v to 4v+3
// are registers 8l+2v and the next.
func neonBlock(lanes int) {
	const w0, w1, a, a0, a1, t = 16, 20, 24, 26, 27, 28
	asm("VLD1 (R7), %s", regs("V%d.B16", a, lanes))
	for c := 0; c < 4; c += 2 {
		asm("VLD1.P 64(R1), %s", regs("V%d.B16", w0, 4))
		asm("VLD1.P 64(R1), %s", regs("V%d.B16", w1, 4))
		for l := range lanes {
			dup(a+l, c, a0)
			dup(a+l, c+1, a1)
			for v := range 4 {
				x, y := t+v&1*2, t+v&1*2+1
				op3(smull, w0+v, a0, x)
				op3(smull|high, w0+v, a0, y)
				op3(smlal, w1+v, a1, x)
				op3(smlal|high, w1+v, a1, y)
				op2(sadalp, x, 8*l+2*v)
				op2(sadalp, y, 8*l+2*v+1)
			}
		}
	}
}
