//go:build amd64 && !noasm

#include "textflag.h"

// The constants of ggml's exp (kernel.Exp32), as float32 bits. A test compares
// every result with the Go code's.
DATA consts<>+0(SB)/4, $0x3fb8aa3b   // log2e
DATA consts<>+4(SB)/4, $0x4b400000   // 1.5 * 2^23
DATA consts<>+8(SB)/4, $0x3f317215   // c1
DATA consts<>+12(SB)/4, $0x3e75fcdd  // c2
DATA consts<>+16(SB)/4, $0x3d635bad  // c3
DATA consts<>+20(SB)/4, $0x3c1e75b6  // c4
DATA consts<>+24(SB)/4, $0x3aaddc92  // c5
DATA consts<>+28(SB)/4, $0x3f800000  // 1
DATA consts<>+32(SB)/4, $0x00000000
DATA consts<>+36(SB)/4, $0xc1d80000  // -27
DATA consts<>+40(SB)/4, $0x0f800000  // 31 << 23
DATA consts<>+44(SB)/4, $0x00000001
DATA consts<>+48(SB)/4, $0xff800000  // -inf
GLOBL consts<>(SB), RODATA|NOPTR, $52

// func maximumAVX2(logits *float32, n int) float32
TEXT ·maximumAVX2(SB), NOSPLIT, $0-20
	MOVQ logits+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS consts<>+48(SB), Y0
loop:
	VMOVUPS (SI), Y1
	VMAXPS  Y0, Y1, Y0 // the second source, Y0, where Y1 is not a number
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  loop
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VMOVHLPS X0, X0, X1
	VMAXPS X1, X0, X0
	VMOVSHDUP X0, X1
	VMAXSS X1, X0, X0
	VZEROUPPER
	MOVSS X0, ret+16(FP)
	RET

// func expsAVX2(f *uint32, logits *float32, n int, m float32) uint64
TEXT ·expsAVX2(SB), NOSPLIT, $0-40
	MOVQ f+0(FP), DI
	MOVQ logits+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS m+24(FP), Y15
	VBROADCASTSS consts<>+0(SB), Y14
	VBROADCASTSS consts<>+4(SB), Y13
	VBROADCASTSS consts<>+8(SB), Y12
	VBROADCASTSS consts<>+12(SB), Y11
	VBROADCASTSS consts<>+16(SB), Y10
	VBROADCASTSS consts<>+20(SB), Y9
	VBROADCASTSS consts<>+24(SB), Y8
	VBROADCASTSS consts<>+28(SB), Y7
	VBROADCASTSS consts<>+36(SB), Y5
	VPBROADCASTD consts<>+40(SB), Y4
	VPXOR Y6, Y6, Y6             // the sum, four 64-bit lanes
exploop:
	VMOVUPS (SI), Y0
	VSUBPS  Y15, Y0, Y0          // d
	VCMPPS  $0x1e, Y5, Y0, Y2    // d > -27, false where d is not a number
	VMAXPS  Y5, Y0, Y0           // in range for what follows; masked below
	VMULPS  Y14, Y0, Y0          // t
	VADDPS  Y13, Y0, Y1
	VSUBPS  Y13, Y1, Y1          // n
	VSUBPS  Y1, Y0, Y0           // fraction
	VCVTPS2DQ Y1, Y1
	VPSLLD  $23, Y1, Y1
	VPADDD  Y4, Y1, Y1           // (n + 31) << 23
	VMULPS  Y8, Y0, Y3
	VADDPS  Y9, Y3, Y3
	VMULPS  Y0, Y3, Y3
	VADDPS  Y10, Y3, Y3
	VMULPS  Y0, Y3, Y3
	VADDPS  Y11, Y3, Y3
	VMULPS  Y0, Y3, Y3
	VADDPS  Y12, Y3, Y3
	VMULPS  Y0, Y3, Y3
	VADDPS  Y7, Y3, Y3
	VPADDD  Y1, Y3, Y3           // exp(d) * 2^31
	VCVTTPS2DQ Y3, Y3            // 2^31 becomes the bits of 2^31
	VPAND   Y2, Y3, Y3
	VMOVDQU Y3, (DI)
	VPMOVZXDQ X3, Y0
	VEXTRACTI128 $1, Y3, X3
	VPMOVZXDQ X3, Y1
	VPADDQ  Y0, Y6, Y6
	VPADDQ  Y1, Y6, Y6
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ  exploop
	VEXTRACTI128 $1, Y6, X1
	VPADDQ X1, X6, X0
	VPSRLDQ $8, X0, X1
	VPADDQ X1, X0, X0
	VMOVQ X0, AX
	VZEROUPPER
	MOVQ AX, ret+32(FP)
	RET

// func finishAVX2(f *uint32, n int, shift uint64) uint64
TEXT ·finishAVX2(SB), NOSPLIT, $0-32
	MOVQ f+0(FP), DI
	MOVQ n+8(FP), CX
	VMOVQ shift+16(FP), X15
	VPBROADCASTD consts<>+44(SB), Y14
	VPXOR Y4, Y4, Y4
finishloop:
	VMOVDQU (DI), Y3
	VPSRLD  X15, Y3, Y3
	VPADDD  Y14, Y3, Y3
	VMOVDQU Y3, (DI)
	VPMOVZXDQ X3, Y0
	VEXTRACTI128 $1, Y3, X3
	VPMOVZXDQ X3, Y1
	VPADDQ  Y0, Y4, Y4
	VPADDQ  Y1, Y4, Y4
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ  finishloop
	VEXTRACTI128 $1, Y4, X1
	VPADDQ X1, X4, X0
	VPSRLDQ $8, X0, X1
	VPADDQ X1, X0, X0
	VMOVQ X0, AX
	VZEROUPPER
	MOVQ AX, ret+24(FP)
	RET
