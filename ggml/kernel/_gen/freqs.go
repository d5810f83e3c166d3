package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// halves reduces x to an xmm register with op, which combines its two halves.
func halves(x reg.VecVirtual, bits int, op func(...Op)) reg.VecVirtual {
	if bits == 512 {
		hi := YMM()
		VEXTRACTI64X4(Imm(1), x, hi)
		op(hi, x.AsY(), x.AsY())
	}
	hi := XMM()
	VEXTRACTF128(Imm(1), x.AsY(), hi)
	op(hi, x.AsX(), x.AsX())
	t := XMM()
	for _, order := range []uint64{0x4e, 0xb1} { // swap the halves, then neighbours
		VPSHUFD(Imm(order), x.AsX(), t)
		op(t, x.AsX(), x.AsX())
	}
	return x
}

// freqs writes the softmax to integer frequencies: a pass for the greatest logit,
// then one for the rest.
func (v *vec) freqs() {
	TEXT(fmt.Sprintf("freqs%d", v.bits), NOSPLIT, "func(freqs *uint32, logits *float32, n uintptr) uint32")
	Doc("computes n integer frequencies and returns their sum. See Kernel.Freqs.")
	Pragma("noescape")
	dst := Load(Param("freqs"), GP64())
	src := Load(Param("logits"), GP64())
	n := Load(Param("n"), GP64())
	step := Imm(uint64(v.n()))
	at := func(base reg.Register, i reg.Register) Mem { return Mem{Base: base, Index: i, Scale: 4} }

	top := v.reg()
	i := GP64()
	VMOVUPS(Mem{Base: src}, top)
	XORQ(i, i)
	Label("max")
	VMAXPS(at(src, i), top, top)
	ADDQ(step, i)
	CMPQ(i, n)
	JLT(labelRef("max"))
	halves(top, v.bits, VMAXPS)
	VBROADCASTSS(top.AsX(), top)

	total := v.reg()
	if v.bits == 512 {
		VPXORD(total, total, total)
	} else {
		VPXOR(total, total, total)
	}
	XORQ(i, i)
	Label("exp")
	t := v.reg()
	VMOVUPS(at(src, i), t)
	VSUBPS(top, t, t)
	VMULPS(v.constant("log2e", log2e), t, t)
	VMAXPS(v.constant("exp2Min", -40), t, t)
	r, p := v.exp2Parts(t)
	VPADDD(v.integer("freqBits", 23), r, r)
	VPSLLD(Imm(23), r, r)
	VPADDD(r, p, p)
	VCVTTPS2DQ(p, p)
	VPADDD(v.integer("intOne", 1), p, p)
	VMOVUPS(p, at(dst, i))
	VPADDD(p, total, total)
	ADDQ(step, i)
	CMPQ(i, n)
	JLT(labelRef("exp"))
	halves(total, v.bits, VPADDD)
	ret := GP32()
	VMOVD(total.AsX(), ret)
	Store(ret, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
