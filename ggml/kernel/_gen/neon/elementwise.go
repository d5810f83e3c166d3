package main

// The operations and their order are those of math32.go and generic.go.

const (
	p0, p1, p2, p3 = 0.999997295489, 0.121936219613, 0.00217962080022, 3.47920978639e-6
	q1, q2, q3     = 0.455251021991, 0.02061829374, 0.000131838233733
	log2e          = 1.44269504088896
	c1, c2, c3     = 0.693146976375, 0.240222404556, 0.0555073504235
	c4, c5         = 0.00967161922927, 0.0013264587522
	magic          = 3 << 22
)

// tanh replaces V(x) with tanh32 of it, using V(t), V(p) and V(q).
func tanh(k func(float32) int, x, t, p, q int) {
	op3(fmin, x, k(8), x)
	op3(fmax, x, k(-8), x)
	op3(fmul, x, x, t)
	op3(fmul, t, k(p3), p)
	op3(fadd, p, k(p2), p)
	op3(fmul, p, t, p)
	op3(fadd, p, k(p1), p)
	op3(fmul, p, t, p)
	op3(fadd, p, k(p0), p)
	op3(fmul, p, x, p)
	op3(fmul, t, k(q3), q)
	op3(fadd, q, k(q2), q)
	op3(fmul, q, t, q)
	op3(fadd, q, k(q1), q)
	op3(fmul, q, t, q)
	op3(fadd, q, k(1), q)
	op3(fdiv, p, q, x)
	op3(fmin, x, k(1), x)
	op3(fmax, x, k(-1), x)
}

func sigmoid(k func(float32) int, x, t, p, q int) {
	op3(fmul, x, k(0.5), x)
	tanh(k, x, t, p, q)
	op3(fmul, x, k(0.5), x)
	op3(fadd, x, k(0.5), x)
}

// storeInt8 stores roundeven(h * 127) of V(h) at R1 as 4 bytes.
func storeInt8(k func(float32) int, h int) {
	op3(fmul, h, k(127), h)
	op2(fcvtns, h, h)
	op2(sqxtnH, h, h)
	op2(sqxtnB, h, h)
	asm("FMOVS F%d, (R1)", h)
	asm("ADD $4, R1, R1")
}

// gates loads the arguments of a cell. R0: state, R1: q, R4: n; x of gate i at
// R(5+i), p at R(9+i), all moving on.
func gates(n int) func(float32) int {
	asm("MOVD state+0(FP), R0")
	asm("MOVD q+8(FP), R1")
	asm("MOVD x+16(FP), R5")
	asm("MOVD p+24(FP), R9")
	asm("MOVD n+32(FP), R4")
	for i := 1; i < n; i++ {
		asm("ADD R4<<2, R%d, R%d", 4+i, 5+i)
		asm("ADD R4<<2, R%d, R%d", 8+i, 9+i)
	}
	return loadConstants(16, 8, -8, p0, p1, p2, p3, q1, q2, q3, 1, -1, 0.5, 127)
}

// sum loads x and p of a gate into V(d) and V(d+1) and adds them into V(d).
func sum(gate, d int) {
	asm("VLD1.P 16(R%d), [V%d.S4]", 5+gate, d)
	asm("VLD1.P 16(R%d), [V%d.S4]", 9+gate, d+1)
	op3(fadd, d, d+1, d)
}

func loopEnd(step int) {
	asm("SUB $%d, R4, R4", step)
	asm("CBNZ R4, loop")
	asm("RET")
}

func gru() {
	text("gruNEON", "state *float32, q *int8, x, p *float32, n uintptr", "updates n hidden states; x and p are [3][n]. See Kernel.GRU.", 40)
	k := gates(3)
	label("loop")
	const r, z, x, p, h = 0, 2, 4, 5, 6
	sum(0, r)
	sigmoid(k, r, 8, 9, 10)
	sum(1, z)
	sigmoid(k, z, 11, 12, 13)
	asm("VLD1.P 16(R7), [V%d.S4]", x)
	asm("VLD1.P 16(R11), [V%d.S4]", p)
	op3(fmul, r, p, p)
	op3(fadd, x, p, x)
	tanh(k, x, 8, 9, 10)
	asm("VLD1 (R0), [V%d.S4]", h)
	op3(fsub, h, x, h)
	op3(fmul, z, h, h)
	op3(fadd, x, h, h)
	op3(fmin, h, k(1), h)
	op3(fmax, h, k(-1), h)
	asm("VST1.P [V%d.S4], 16(R0)", h)
	storeInt8(k, h)
	loopEnd(4)
}

func lstm() {
	text("lstmNEON", "state *float32, q *int8, x, p *float32, n uintptr", "updates n cell states; x and p are [4][n]. See Kernel.LSTM.", 40)
	k := gates(4)
	label("loop")
	const i, f, g, o, c = 0, 2, 4, 6, 14
	sum(0, i)
	sigmoid(k, i, 8, 9, 10)
	sum(2, g)
	tanh(k, g, 11, 12, 13)
	op3(fmul, i, g, i)
	sum(1, f)
	sigmoid(k, f, 8, 9, 10)
	asm("VLD1 (R0), [V%d.S4]", c)
	op3(fmul, f, c, c)
	op3(fadd, c, i, c)
	asm("VST1.P [V%d.S4], 16(R0)", c)
	sum(3, o)
	sigmoid(k, o, 11, 12, 13)
	tanh(k, c, 8, 9, 10)
	op3(fmul, o, c, o)
	storeInt8(k, o)
	loopEnd(4)
}

func dequant() {
	text("dequantNEON", "dst *float32, acc *int32, scale, bias *float32, lanes, stride uintptr",
		"computes dst[l][r] = float32(acc[l][r])*scale[r] + bias[r] for 16 rows; stride in bytes.", 48)
	asm("MOVD dst+0(FP), R0")
	asm("MOVD acc+8(FP), R1")
	asm("MOVD scale+16(FP), R2")
	asm("MOVD bias+24(FP), R3")
	asm("MOVD lanes+32(FP), R4")
	asm("MOVD stride+40(FP), R5")
	asm("VLD1 (R2), %s", regs("V%d.S4", 4, 4))
	asm("VLD1 (R3), %s", regs("V%d.S4", 8, 4))
	label("loop")
	asm("VLD1.P 64(R1), %s", regs("V%d.S4", 0, 4))
	for i := range 4 {
		op2(scvtf, i, i)
		op3(fmul, i, 4+i, i)
		op3(fadd, i, 8+i, i)
	}
	asm("VST1 %s, (R0)", regs("V%d.S4", 0, 4))
	asm("ADD R5, R0, R0")
	loopEnd(1)
}

func freqs() {
	text("freqsNEON", "freqs *uint32, logits *float32, n uintptr) (total uint32", "computes n integer frequencies and returns their sum. See Kernel.Freqs.", 28)
	asm("MOVD freqs+0(FP), R0")
	asm("MOVD logits+8(FP), R1")
	asm("MOVD n+16(FP), R4")
	k := loadConstants(16, log2e, -40, magic, c1, c2, c3, c4, c5, 1)
	asm("MOVD R1, R2")
	asm("MOVD R4, R3")
	asm("VLD1 (R1), [V7.S4]")
	label("max")
	asm("VLD1.P 16(R2), [V0.S4]")
	op3(fmax, 7, 0, 7)
	asm("SUB $4, R3, R3")
	asm("CBNZ R3, max")
	op2(fmaxv, 7, 7)
	dup(7, 0, 7)
	zero(6)
	asm("MOVW $23, R3")
	asm("VDUP R3, V5.S4")
	asm("MOVW $1, R3")
	asm("VDUP R3, V4.S4")
	label("loop")
	const t, r, p = 0, 1, 2
	asm("VLD1.P 16(R1), [V0.S4]")
	op3(fsub, t, 7, t)
	op3(fmul, t, k(log2e), t)
	op3(fmax, t, k(-40), t)
	op3(fadd, t, k(magic), r)
	op3(fsub, r, k(magic), r)
	op3(fsub, t, r, t)
	op3(fmul, t, k(c5), p)
	for _, c := range []float32{c4, c3, c2, c1} {
		op3(fadd, p, k(c), p)
		op3(fmul, p, t, p)
	}
	op3(fadd, p, k(1), p)
	op2(fcvtns, r, r)
	op3(addS, r, 5, r)
	op2(shl23, r, r)
	op3(addS, p, r, p)
	op2(fcvtzs, p, p)
	op3(addS, p, 4, p)
	asm("VST1.P [V2.S4], 16(R0)")
	op3(addS, 6, p, 6)
	asm("SUB $4, R4, R4")
	asm("CBNZ R4, loop")
	op2(addv, 6, 6)
	asm("FMOVS F6, R0")
	asm("MOVW R0, total+24(FP)")
	asm("RET")
}
