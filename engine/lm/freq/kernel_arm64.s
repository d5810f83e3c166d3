//go:build arm64 && !noasm

#include "textflag.h"

// Vector instructions on floats, and some on integers, are not known to Go's
// assembler: they are written as numbers, with the manual's spelling beside them,
// destination first.

// func maximumNEON(logits *float32, n int) float32
TEXT ·maximumNEON(SB), NOSPLIT, $0-20
	MOVD logits+0(FP), R0
	MOVD n+8(FP), R1
	MOVW $0xff800000, R5 // -inf
	VDUP R5, V0.S4
	VMOV V0.B16, V1.B16
loop:
	VLD1.P 32(R0), [V2.S4, V3.S4]
	// A logit that is not a number is never greater.
	WORD $0x6ea0e444 // FCMGT V4.4S, V2.4S, V0.4S
	WORD $0x6ea1e465 // FCMGT V5.4S, V3.4S, V1.4S
	WORD $0x6ea41c40 // BIT V0.16B, V2.16B, V4.16B
	WORD $0x6ea51c61 // BIT V1.16B, V3.16B, V5.16B
	SUBS $8, R1, R1
	BNE loop
	WORD $0x6ea0e424 // FCMGT V4.4S, V1.4S, V0.4S
	WORD $0x6ea41c20 // BIT V0.16B, V1.16B, V4.16B
	VEXT $8, V0.B16, V0.B16, V1.B16
	WORD $0x6ea0e424 // FCMGT V4.4S, V1.4S, V0.4S
	WORD $0x6ea41c20 // BIT V0.16B, V1.16B, V4.16B
	VEXT $4, V0.B16, V0.B16, V1.B16
	WORD $0x6ea0e424 // FCMGT V4.4S, V1.4S, V0.4S
	WORD $0x6ea41c20 // BIT V0.16B, V1.16B, V4.16B
	FMOVS F0, ret+16(FP)
	RET

// func expsNEON(f *uint32, logits *float32, n int, m float32) uint64
//
// The constants are those of ggml's exp (kernel.Exp32). A test compares every result
// with the Go code's.
TEXT ·expsNEON(SB), NOSPLIT, $0-40
	MOVD f+0(FP), R0
	MOVD logits+8(FP), R1
	MOVD n+16(FP), R2
	MOVW m+24(FP), R3
	VDUP R3, V31.S4
	MOVW $0x3fb8aa3b, R5 // log2e
	VDUP R5, V16.S4
	MOVW $0x4b400000, R5 // 1.5 * 2^23
	VDUP R5, V17.S4
	MOVW $0x3f317215, R5 // c1
	VDUP R5, V18.S4
	MOVW $0x3e75fcdd, R5 // c2
	VDUP R5, V19.S4
	MOVW $0x3d635bad, R5 // c3
	VDUP R5, V20.S4
	MOVW $0x3c1e75b6, R5 // c4
	VDUP R5, V21.S4
	MOVW $0x3aaddc92, R5 // c5
	VDUP R5, V22.S4
	MOVW $0x3f800000, R5 // 1
	VDUP R5, V23.S4
	MOVW $0xc1d80000, R5 // -27
	VDUP R5, V24.S4
	MOVW $0x0f800000, R5 // 31 << 23
	VDUP R5, V25.S4
	VEOR V6.B16, V6.B16, V6.B16 // the sum, two 64-bit lanes
	VEOR V7.B16, V7.B16, V7.B16
loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	WORD $0x4ebfd400 // FSUB V0.4S, V0.4S, V31.4S
	WORD $0x4ebfd421 // FSUB V1.4S, V1.4S, V31.4S
	// d > -27, false where d is not a number; out of range is masked below.
	WORD $0x6eb8e402 // FCMGT V2.4S, V0.4S, V24.4S
	WORD $0x6eb8e423 // FCMGT V3.4S, V1.4S, V24.4S
	WORD $0x6ee21f00 // BIF V0.16B, V24.16B, V2.16B
	WORD $0x6ee31f01 // BIF V1.16B, V24.16B, V3.16B
	WORD $0x6e30dc00 // FMUL V0.4S, V0.4S, V16.4S
	WORD $0x6e30dc21 // FMUL V1.4S, V1.4S, V16.4S
	// The nearest integer n, and the fraction.
	WORD $0x4e31d404 // FADD V4.4S, V0.4S, V17.4S
	WORD $0x4e31d425 // FADD V5.4S, V1.4S, V17.4S
	WORD $0x4eb1d484 // FSUB V4.4S, V4.4S, V17.4S
	WORD $0x4eb1d4a5 // FSUB V5.4S, V5.4S, V17.4S
	WORD $0x4ea4d400 // FSUB V0.4S, V0.4S, V4.4S
	WORD $0x4ea5d421 // FSUB V1.4S, V1.4S, V5.4S
	WORD $0x4e21a884 // FCVTNS V4.4S, V4.4S
	WORD $0x4e21a8a5 // FCVTNS V5.4S, V5.4S
	WORD $0x4f375484 // SHL V4.4S, V4.4S, #23
	WORD $0x4f3754a5 // SHL V5.4S, V5.4S, #23
	VADD V25.S4, V4.S4, V4.S4
	VADD V25.S4, V5.S4, V5.S4
	WORD $0x6e36dc1a // FMUL V26.4S, V0.4S, V22.4S
	WORD $0x6e36dc3b // FMUL V27.4S, V1.4S, V22.4S
	WORD $0x4e35d75a // FADD V26.4S, V26.4S, V21.4S
	WORD $0x4e35d77b // FADD V27.4S, V27.4S, V21.4S
	WORD $0x6e20df5a // FMUL V26.4S, V26.4S, V0.4S
	WORD $0x6e21df7b // FMUL V27.4S, V27.4S, V1.4S
	WORD $0x4e34d75a // FADD V26.4S, V26.4S, V20.4S
	WORD $0x4e34d77b // FADD V27.4S, V27.4S, V20.4S
	WORD $0x6e20df5a // FMUL V26.4S, V26.4S, V0.4S
	WORD $0x6e21df7b // FMUL V27.4S, V27.4S, V1.4S
	WORD $0x4e33d75a // FADD V26.4S, V26.4S, V19.4S
	WORD $0x4e33d77b // FADD V27.4S, V27.4S, V19.4S
	WORD $0x6e20df5a // FMUL V26.4S, V26.4S, V0.4S
	WORD $0x6e21df7b // FMUL V27.4S, V27.4S, V1.4S
	WORD $0x4e32d75a // FADD V26.4S, V26.4S, V18.4S
	WORD $0x4e32d77b // FADD V27.4S, V27.4S, V18.4S
	WORD $0x6e20df5a // FMUL V26.4S, V26.4S, V0.4S
	WORD $0x6e21df7b // FMUL V27.4S, V27.4S, V1.4S
	WORD $0x4e37d75a // FADD V26.4S, V26.4S, V23.4S
	WORD $0x4e37d77b // FADD V27.4S, V27.4S, V23.4S
	// exp(d) * 2^31
	VADD V4.S4, V26.S4, V26.S4
	VADD V5.S4, V27.S4, V27.S4
	WORD $0x6ea1bb5a // FCVTZU V26.4S, V26.4S
	WORD $0x6ea1bb7b // FCVTZU V27.4S, V27.4S
	VAND V2.B16, V26.B16, V26.B16
	VAND V3.B16, V27.B16, V27.B16
	VST1.P [V26.S4, V27.S4], 32(R0)
	WORD $0x6ea06b46 // UADALP V6.2D, V26.4S
	WORD $0x6ea06b67 // UADALP V7.2D, V27.4S
	SUBS $8, R2, R2
	BNE  loop
	VADD V7.D2, V6.D2, V6.D2
	VADDP V6.D2, V6.D2, V6.D2
	VMOV V6.D[0], R0
	MOVD R0, ret+32(FP)
	RET

// func finishNEON(f *uint32, n int, shift uint64) uint64
TEXT ·finishNEON(SB), NOSPLIT, $0-32
	MOVD f+0(FP), R0
	MOVD n+8(FP), R1
	MOVD shift+16(FP), R2
	NEG  R2, R2
	VDUP R2, V16.S4 // to the left, hence negative
	MOVW $1, R3
	VDUP R3, V17.S4
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16
	MOVD R0, R4
loop:
	VLD1.P 32(R0), [V0.S4, V1.S4]
	WORD $0x6eb04400 // USHL V0.4S, V0.4S, V16.4S
	WORD $0x6eb04421 // USHL V1.4S, V1.4S, V16.4S
	VADD V17.S4, V0.S4, V0.S4
	VADD V17.S4, V1.S4, V1.S4
	VST1.P [V0.S4, V1.S4], 32(R4)
	WORD $0x6ea06806 // UADALP V6.2D, V0.4S
	WORD $0x6ea06827 // UADALP V7.2D, V1.4S
	SUBS $8, R1, R1
	BNE  loop
	VADD V7.D2, V6.D2, V6.D2
	VADDP V6.D2, V6.D2, V6.D2
	VMOV V6.D[0], R0
	MOVD R0, ret+24(FP)
	RET
