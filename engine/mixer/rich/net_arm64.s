//go:build arm64 && !noasm

#include "textflag.h"

// Some vector instructions are not known to Go's assembler: they are written as numbers,
// with the manual's spelling beside them, destination first. numSets is 11; the
// n inputs are n/16 times four vectors.

// func dotsNEON(w, x, out *int32, off *uint32, n int)
TEXT ·dotsNEON(SB), NOSPLIT, $0-40
	MOVD w+0(FP), R0
	MOVD x+8(FP), R1
	MOVD out+16(FP), R2
	MOVD off+24(FP), R3
	MOVD n+32(FP), R10
	LSR  $4, R10, R10
	MOVD $11, R4
set:
	MOVWU.P 4(R3), R5
	ADD  R5<<2, R0, R6
	MOVD R1, R7
	MOVD R10, R8
	VEOR V24.B16, V24.B16, V24.B16
	VEOR V25.B16, V25.B16, V25.B16
dot:
	VLD1.P 64(R6), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 64(R7), [V0.S4, V1.S4, V2.S4, V3.S4]
	WORD $0x4f300610 // SSHR V16.4S, V16.4S, #16
	WORD $0x4f300400 // SSHR V0.4S, V0.4S, #16
	WORD $0x4f300631 // SSHR V17.4S, V17.4S, #16
	WORD $0x4f300421 // SSHR V1.4S, V1.4S, #16
	WORD $0x4f300652 // SSHR V18.4S, V18.4S, #16
	WORD $0x4f300442 // SSHR V2.4S, V2.4S, #16
	WORD $0x4f300673 // SSHR V19.4S, V19.4S, #16
	WORD $0x4f300463 // SSHR V3.4S, V3.4S, #16
	WORD $0x4ea09618 // MLA V24.4S, V16.4S, V0.4S
	WORD $0x4ea19639 // MLA V25.4S, V17.4S, V1.4S
	WORD $0x4ea29658 // MLA V24.4S, V18.4S, V2.4S
	WORD $0x4ea39679 // MLA V25.4S, V19.4S, V3.4S
	SUBS $1, R8, R8
	BNE  dot
	VADD V25.S4, V24.S4, V24.S4
	VADDV V24.S4, V24
	VMOV V24.S[0], R5
	MOVW.P R5, 4(R2)
	SUBS $1, R4, R4
	BNE  set
	RET

// func trainsNEON(w, x, e *int32, off *uint32, n int)
TEXT ·trainsNEON(SB), NOSPLIT, $0-40
	MOVD w+0(FP), R0
	MOVD x+8(FP), R1
	MOVD e+16(FP), R2
	MOVD off+24(FP), R3
	MOVD n+32(FP), R10
	LSR  $4, R10, R10
	MOVW $0x3fffffff, R5 // weightMax
	VDUP R5, V30.S4
	MOVW $0xc0000001, R5 // -weightMax
	VDUP R5, V31.S4
	MOVD $11, R4
set:
	MOVWU.P 4(R3), R5
	ADD  R5<<2, R0, R6
	MOVD R6, R9
	MOVWU.P 4(R2), R5
	VDUP R5, V29.S4
	MOVD R1, R7
	MOVD R10, R8
train:
	VLD1.P 64(R6), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 64(R7), [V0.S4, V1.S4, V2.S4, V3.S4]
	WORD $0x4f300400 // SSHR V0.4S, V0.4S, #16
	WORD $0x4f300421 // SSHR V1.4S, V1.4S, #16
	WORD $0x4f300442 // SSHR V2.4S, V2.4S, #16
	WORD $0x4f300463 // SSHR V3.4S, V3.4S, #16
	WORD $0x4ebd9c00 // MUL V0.4S, V0.4S, V29.4S
	WORD $0x4ebd9c21 // MUL V1.4S, V1.4S, V29.4S
	WORD $0x4ebd9c42 // MUL V2.4S, V2.4S, V29.4S
	WORD $0x4ebd9c63 // MUL V3.4S, V3.4S, V29.4S
	WORD $0x4f3e2400 // SRSHR V0.4S, V0.4S, #2
	WORD $0x4f3e2421 // SRSHR V1.4S, V1.4S, #2
	WORD $0x4f3e2442 // SRSHR V2.4S, V2.4S, #2
	WORD $0x4f3e2463 // SRSHR V3.4S, V3.4S, #2
	VADD V0.S4, V16.S4, V16.S4
	VADD V1.S4, V17.S4, V17.S4
	VADD V2.S4, V18.S4, V18.S4
	VADD V3.S4, V19.S4, V19.S4
	WORD $0x4ebe6e10 // SMIN V16.4S, V16.4S, V30.4S
	WORD $0x4ebe6e31 // SMIN V17.4S, V17.4S, V30.4S
	WORD $0x4ebe6e52 // SMIN V18.4S, V18.4S, V30.4S
	WORD $0x4ebe6e73 // SMIN V19.4S, V19.4S, V30.4S
	WORD $0x4ebf6610 // SMAX V16.4S, V16.4S, V31.4S
	WORD $0x4ebf6631 // SMAX V17.4S, V17.4S, V31.4S
	WORD $0x4ebf6652 // SMAX V18.4S, V18.4S, V31.4S
	WORD $0x4ebf6673 // SMAX V19.4S, V19.4S, V31.4S
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(R9)
	SUBS $1, R8, R8
	BNE  train
	SUBS $1, R4, R4
	BNE  set
	RET

// func prefetchARM(buckets *uint8, at *uint32, n int)
TEXT ·prefetchARM(SB), NOSPLIT, $0-24
	MOVD buckets+0(FP), R0
	MOVD at+8(FP), R1
	MOVD n+16(FP), R2
next:
	MOVWU.P 4(R1), R3
	ADD  R3<<6, R0, R3
	PRFM (R3), PLDL1KEEP
	SUBS $1, R2, R2
	BNE  next
	RET

// func prefetchVectorsARM(w *int32, off *uint32, n int)
TEXT ·prefetchVectorsARM(SB), NOSPLIT, $0-24
	MOVD w+0(FP), R0
	MOVD off+8(FP), R1
	MOVD n+16(FP), R2
	MOVD $11, R3
vector:
	MOVWU.P 4(R1), R4
	ADD  R4<<2, R0, R5
	MOVD R2, R6
line:
	PRFM (R5), PLDL1KEEP
	ADD  $64, R5, R5
	SUBS $16, R6, R6
	BNE  line
	SUBS $1, R3, R3
	BNE  vector
	RET
