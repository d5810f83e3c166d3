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

// func maximumAVX512(logits *float32, n int) float32
TEXT ·maximumAVX512(SB), NOSPLIT, $0-20
	MOVQ logits+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS consts<>+48(SB), Z0
	VMOVAPS Z0, Z2
loop512:
	VMOVUPS (SI), Z1
	VMOVUPS 64(SI), Z3
	VMAXPS  Z0, Z1, Z0 // the second source, Z0, where Z1 is not a number
	VMAXPS  Z2, Z3, Z2
	ADDQ $128, SI
	SUBQ $32, CX
	JNZ  loop512
	VMAXPS Z2, Z0, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VMOVHLPS X0, X0, X1
	VMAXPS X1, X0, X0
	VMOVSHDUP X0, X1
	VMAXSS X1, X0, X0
	VZEROUPPER
	MOVSS X0, ret+16(FP)
	RET

// func expsAVX512(f *uint32, logits *float32, n int, m float32) uint64
TEXT ·expsAVX512(SB), NOSPLIT, $0-40
	MOVQ f+0(FP), DI
	MOVQ logits+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS m+24(FP), Z15
	VBROADCASTSS consts<>+0(SB), Z14
	VBROADCASTSS consts<>+4(SB), Z13
	VBROADCASTSS consts<>+8(SB), Z12
	VBROADCASTSS consts<>+12(SB), Z11
	VBROADCASTSS consts<>+16(SB), Z10
	VBROADCASTSS consts<>+20(SB), Z9
	VBROADCASTSS consts<>+24(SB), Z8
	VBROADCASTSS consts<>+28(SB), Z7
	VBROADCASTSS consts<>+36(SB), Z5
	VPBROADCASTD consts<>+40(SB), Z4
	VPXORQ Z6, Z6, Z6            // the sum, eight 64-bit lanes
exploop512:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z20
	VSUBPS  Z15, Z0, Z0          // d
	VSUBPS  Z15, Z20, Z20
	VCMPPS  $0x1e, Z5, Z0, K1    // d > -27, false where d is not a number
	VCMPPS  $0x1e, Z5, Z20, K2
	VMAXPS  Z5, Z0, Z0           // in range for what follows; masked below
	VMAXPS  Z5, Z20, Z20
	VMULPS  Z14, Z0, Z0          // t
	VMULPS  Z14, Z20, Z20
	VADDPS  Z13, Z0, Z1
	VADDPS  Z13, Z20, Z21
	VSUBPS  Z13, Z1, Z1          // n
	VSUBPS  Z13, Z21, Z21
	VSUBPS  Z1, Z0, Z0           // fraction
	VSUBPS  Z21, Z20, Z20
	VCVTPS2DQ Z1, Z1
	VCVTPS2DQ Z21, Z21
	VPSLLD  $23, Z1, Z1
	VPSLLD  $23, Z21, Z21
	VPADDD  Z4, Z1, Z1           // (n + 31) << 23
	VPADDD  Z4, Z21, Z21
	VMULPS  Z8, Z0, Z3
	VMULPS  Z8, Z20, Z23
	VADDPS  Z9, Z3, Z3
	VADDPS  Z9, Z23, Z23
	VMULPS  Z0, Z3, Z3
	VMULPS  Z20, Z23, Z23
	VADDPS  Z10, Z3, Z3
	VADDPS  Z10, Z23, Z23
	VMULPS  Z0, Z3, Z3
	VMULPS  Z20, Z23, Z23
	VADDPS  Z11, Z3, Z3
	VADDPS  Z11, Z23, Z23
	VMULPS  Z0, Z3, Z3
	VMULPS  Z20, Z23, Z23
	VADDPS  Z12, Z3, Z3
	VADDPS  Z12, Z23, Z23
	VMULPS  Z0, Z3, Z3
	VMULPS  Z20, Z23, Z23
	VADDPS  Z7, Z3, Z3
	VADDPS  Z7, Z23, Z23
	VPADDD  Z1, Z3, Z3           // exp(d) * 2^31
	VPADDD  Z21, Z23, Z23
	VCVTTPS2DQ.Z Z3, K1, Z3      // 2^31 becomes the bits of 2^31
	VCVTTPS2DQ.Z Z23, K2, Z23
	VMOVDQU32 Z3, (DI)
	VMOVDQU32 Z23, 64(DI)
	VPMOVZXDQ Y3, Z0
	VPMOVZXDQ Y23, Z20
	VEXTRACTI64X4 $1, Z3, Y3
	VEXTRACTI64X4 $1, Z23, Y23
	VPMOVZXDQ Y3, Z1
	VPMOVZXDQ Y23, Z21
	VPADDQ  Z0, Z20, Z20
	VPADDQ  Z1, Z21, Z21
	VPADDQ  Z20, Z6, Z6
	VPADDQ  Z21, Z6, Z6
	ADDQ $128, SI
	ADDQ $128, DI
	SUBQ $32, CX
	JNZ  exploop512
	VEXTRACTI64X4 $1, Z6, Y0
	VPADDQ Y0, Y6, Y6
	VEXTRACTI128 $1, Y6, X1
	VPADDQ X1, X6, X0
	VPSRLDQ $8, X0, X1
	VPADDQ X1, X0, X0
	VMOVQ X0, AX
	VZEROUPPER
	MOVQ AX, ret+32(FP)
	RET

// func finishAVX512(f *uint32, n int, shift uint64) uint64
TEXT ·finishAVX512(SB), NOSPLIT, $0-32
	MOVQ f+0(FP), DI
	MOVQ n+8(FP), CX
	VMOVQ shift+16(FP), X15
	VPBROADCASTD consts<>+44(SB), Z14
	VPXORQ Z4, Z4, Z4
	VMOVDQA64 Z4, Z5
finishloop512:
	VMOVDQU32 (DI), Z3
	VMOVDQU32 64(DI), Z7
	VPSRLD  X15, Z3, Z3
	VPSRLD  X15, Z7, Z7
	VPADDD  Z14, Z3, Z3
	VPADDD  Z14, Z7, Z7
	VMOVDQU32 Z3, (DI)
	VMOVDQU32 Z7, 64(DI)
	VPMOVZXDQ Y3, Z0
	VPMOVZXDQ Y7, Z1
	VEXTRACTI64X4 $1, Z3, Y3
	VEXTRACTI64X4 $1, Z7, Y7
	VPMOVZXDQ Y3, Z2
	VPMOVZXDQ Y7, Z6
	VPADDQ  Z0, Z1, Z0
	VPADDQ  Z2, Z6, Z2
	VPADDQ  Z0, Z4, Z4
	VPADDQ  Z2, Z5, Z5
	ADDQ $128, DI
	SUBQ $32, CX
	JNZ  finishloop512
	VPADDQ Z5, Z4, Z4
	VEXTRACTI64X4 $1, Z4, Y0
	VPADDQ Y0, Y4, Y4
	VEXTRACTI128 $1, Y4, X1
	VPADDQ X1, X4, X0
	VPSRLDQ $8, X0, X1
	VPADDQ X1, X0, X0
	VMOVQ X0, AX
	VZEROUPPER
	MOVQ AX, ret+24(FP)
	RET
