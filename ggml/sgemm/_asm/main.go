// Command asm writes the amd64 kernels of package sgemm.
//
//	cd ggml/sgemm/_asm && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg sgemm
//
// All tile kernels read the same packed layout (see ../pack.go): the left
// operand in groups of 16 rows (64 bytes a unit), the right one in panels of 48
// columns (192 bytes a unit). A unit is one float32, or a pair of bfloat16 of
// neighbouring k.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	groupBytes = 16 * 4
	panelBytes = 48 * 4
)

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

func main() {
	ConstraintExpr("!noasm")
	tile512("tileF32AVX512", "is an 8x48 tile of float32 products (AVX-512F).", func(acc, a, b int) {
		VFMADD231PS(zmm[a], zmm[b], zmm[acc])
	})
	tile512("tileBF16AVX512", "is an 8x48 tile of bfloat16 pair products (AVX-512 BF16).", func(acc, a, b int) {
		// VDPBF16PS, which Go's assembler does not know.
		evex512(0xF3, 0x52, acc, b, a)
	})
	tileAVX2()
	packRows("packRowsF32AVX512", false)
	packRows("packRowsBF16AVX512", true)
	packTransposed("packTransposedF32AVX512", false)
	packTransposed("packTransposedBF16AVX512", true)
	Generate()
}

// evex512 emits a register-only 512-bit EVEX instruction of map 0F38, W0:
// dst, src1 (vvvv), src2 (r/m).
func evex512(prefix, opcode byte, dst, src1, src2 int) {
	pp := map[byte]byte{0x66: 1, 0xF3: 2, 0xF2: 3}[prefix]
	bit := func(v, n int) byte { return byte(v>>n) & 1 }
	p0 := byte(2) | (1-bit(dst, 3))<<7 | (1-bit(src2, 4))<<6 | (1-bit(src2, 3))<<5 | (1-bit(dst, 4))<<4
	p1 := pp | 1<<2 | (^byte(src1)&15)<<3
	p2 := byte(2<<5) | (1-bit(src1, 4))<<3
	modrm := byte(0xC0) | byte(dst&7)<<3 | byte(src2&7)
	for _, b := range []byte{0x62, p0, p1, p2, opcode, modrm} {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{U8(b)}})
	}
}

// tile512 generates C[8x48] = alpha*A*B (+ C if add != 0). product emits
// acc += a*b on zmm registers.
func tile512(name, doc string, product func(acc, a, b int)) {
	TEXT(name, NOSPLIT, "func(units int, a, b *uint32, c *float32, ldc int, alpha float32, add int)")
	Doc(name + " " + doc)
	Pragma("noescape")
	units := Load(Param("units"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	add := Load(Param("add"), GP64())
	SHLQ(U8(2), ldc)
	for i := 0; i < 24; i++ {
		VPXORD(zmm[i], zmm[i], zmm[i])
	}
	TESTQ(units, units)
	JZ(LabelRef("done"))
	Label("loop")
	for j := 0; j < 3; j++ {
		VMOVUPS(Mem{Base: b, Disp: 64 * j}, zmm[24+j])
	}
	PREFETCHT0(Mem{Base: b, Disp: 8 * panelBytes})
	PREFETCHT0(Mem{Base: b, Disp: 8*panelBytes + 64})
	PREFETCHT0(Mem{Base: b, Disp: 8*panelBytes + 128})
	for i := 0; i < 8; i++ {
		r := 27 + i%5
		VBROADCASTSS(Mem{Base: a, Disp: 4 * i}, zmm[r])
		for j := 0; j < 3; j++ {
			product(3*i+j, r, 24+j)
		}
	}
	ADDQ(U32(groupBytes), a)
	ADDQ(U32(panelBytes), b)
	DECQ(units)
	JNZ(LabelRef("loop"))
	Label("done")
	alpha, _ := Param("alpha").Resolve()
	VBROADCASTSS(alpha.Addr, zmm[31])
	TESTQ(add, add)
	JZ(LabelRef("store"))
	for i := 0; i < 8; i++ {
		for j := 0; j < 3; j++ {
			at := Mem{Base: c, Disp: 64 * j}
			VMOVUPS(at, zmm[27+j])
			VFMADD213PS(zmm[27+j], zmm[31], zmm[3*i+j])
			VMOVUPS(zmm[3*i+j], at)
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
	Label("store")
	for i := 0; i < 8; i++ {
		for j := 0; j < 3; j++ {
			VMULPS(zmm[31], zmm[3*i+j], zmm[3*i+j])
			VMOVUPS(zmm[3*i+j], Mem{Base: c, Disp: 64 * j})
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}

// tileAVX2 generates a 4x24 tile on the same packed layout.
func tileAVX2() {
	TEXT("tileF32AVX2", NOSPLIT, "func(units int, a, b *uint32, c *float32, ldc int, alpha float32, add int)")
	Doc("tileF32AVX2 is a 4x24 tile of float32 products (AVX2 and FMA).")
	Pragma("noescape")
	units := Load(Param("units"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	add := Load(Param("add"), GP64())
	SHLQ(U8(2), ldc)
	for i := 0; i < 12; i++ {
		VXORPS(ymm[i], ymm[i], ymm[i])
	}
	TESTQ(units, units)
	JZ(LabelRef("done"))
	Label("loop")
	for j := 0; j < 3; j++ {
		VMOVUPS(Mem{Base: b, Disp: 32 * j}, ymm[12+j])
	}
	for i := 0; i < 4; i++ {
		VBROADCASTSS(Mem{Base: a, Disp: 4 * i}, ymm[15])
		for j := 0; j < 3; j++ {
			VFMADD231PS(ymm[12+j], ymm[15], ymm[3*i+j])
		}
	}
	ADDQ(U32(groupBytes), a)
	ADDQ(U32(panelBytes), b)
	DECQ(units)
	JNZ(LabelRef("loop"))
	Label("done")
	alpha, _ := Param("alpha").Resolve()
	VBROADCASTSS(alpha.Addr, ymm[15])
	TESTQ(add, add)
	JZ(LabelRef("store"))
	for i := 0; i < 4; i++ {
		for j := 0; j < 3; j++ {
			at := Mem{Base: c, Disp: 32 * j}
			VMOVUPS(at, ymm[12+j])
			VFMADD213PS(ymm[12+j], ymm[15], ymm[3*i+j])
			VMOVUPS(ymm[3*i+j], at)
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
	Label("store")
	for i := 0; i < 4; i++ {
		for j := 0; j < 3; j++ {
			VMULPS(ymm[15], ymm[3*i+j], ymm[3*i+j])
			VMOVUPS(ymm[3*i+j], Mem{Base: c, Disp: 32 * j})
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}

// packRows generates the packing of 16 columns of a matrix whose rows are k:
// unit u of the group comes from row u (float32), or rows 2u and 2u+1 (bfloat16).
func packRows(name string, bf16 bool) {
	TEXT(name, NOSPLIT, "func(dst *uint32, src *float32, ld, units, dstStride int)")
	Doc(name + " packs 16 columns of a matrix with one k per row; ld and dstStride are in elements.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	units := Load(Param("units"), GP64())
	stride := Load(Param("dstStride"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)
	if bf16 {
		k := GP32()
		MOVL(U32(0x7fff), k)
		VPBROADCASTD(k, zmm[30])
		MOVL(U32(1), k)
		VPBROADCASTD(k, zmm[31])
	}
	TESTQ(units, units)
	JZ(LabelRef("done"))
	Label("loop")
	VMOVUPS(Mem{Base: src}, zmm[0])
	ADDQ(ld, src)
	if bf16 {
		VMOVUPS(Mem{Base: src}, zmm[1])
		ADDQ(ld, src)
		for i := 0; i < 2; i++ { // round to nearest even in the upper half
			VPSRLD(U8(16), zmm[i], zmm[2+i])
			VPANDD(zmm[31], zmm[2+i], zmm[2+i])
			VPADDD(zmm[30], zmm[2+i], zmm[2+i])
			VPADDD(zmm[i], zmm[2+i], zmm[2+i])
			VPSRLD(U8(16), zmm[2+i], zmm[2+i])
		}
		VPSLLD(U8(16), zmm[3], zmm[3])
		VPORD(zmm[2], zmm[3], zmm[0])
	}
	VMOVUPS(zmm[0], Mem{Base: dst})
	ADDQ(stride, dst)
	DECQ(units)
	JNZ(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// packTransposed generates the packing of 16 rows of a matrix whose columns are
// k, 16 units a block.
func packTransposed(name string, bf16 bool) {
	TEXT(name, NOSPLIT, "func(dst *uint32, src *float32, ld, blocks, dstStride int)")
	Doc(name + " packs 16 rows of a matrix with one k per column, 16 units a block; ld and dstStride are in elements.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	blocks := Load(Param("blocks"), GP64())
	stride := Load(Param("dstStride"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)
	TESTQ(blocks, blocks)
	JZ(LabelRef("done"))
	Label("loop")
	p := GP64()
	MOVQ(src, p)
	for i := 0; i < 16; i++ {
		if bf16 {
			VMOVUPS(Mem{Base: p}, zmm[16])
			VMOVUPS(Mem{Base: p, Disp: 64}, zmm[17])
			evex512(0xF2, 0x72, i, 17, 16) // VCVTNE2PS2BF16: low half from zmm16
		} else {
			VMOVUPS(Mem{Base: p}, zmm[i])
		}
		if i < 15 {
			ADDQ(ld, p)
		}
	}
	r, t := zmm[:16], zmm[16:]
	for i := 0; i < 16; i += 2 {
		VPUNPCKLDQ(r[i+1], r[i], t[i])
		VPUNPCKHDQ(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 16; i += 4 {
		VPUNPCKLQDQ(t[i+2], t[i], r[i])
		VPUNPCKHQDQ(t[i+2], t[i], r[i+1])
		VPUNPCKLQDQ(t[i+3], t[i+1], r[i+2])
		VPUNPCKHQDQ(t[i+3], t[i+1], r[i+3])
	}
	for h := 0; h < 16; h += 8 {
		for i := 0; i < 4; i++ {
			VSHUFI32X4(U8(0x88), r[h+4+i], r[h+i], t[h+i])
			VSHUFI32X4(U8(0xdd), r[h+4+i], r[h+i], t[h+4+i])
		}
	}
	for i := 0; i < 8; i++ {
		VSHUFI32X4(U8(0x88), t[8+i], t[i], r[i])
		VSHUFI32X4(U8(0xdd), t[8+i], t[i], r[8+i])
	}
	for i := 0; i < 16; i++ {
		VMOVUPS(r[i], Mem{Base: dst})
		ADDQ(stride, dst)
	}
	if bf16 {
		ADDQ(U32(128), src)
	} else {
		ADDQ(U32(64), src)
	}
	DECQ(blocks)
	JNZ(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}
