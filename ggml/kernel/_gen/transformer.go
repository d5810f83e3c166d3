package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transformer writes the elementwise code of numerics 2.
func (v *vec) transformer() {
	v.dequantMX("dequantMX", false)
	v.dequantMX("addMX", true)
	v.quantizeMX()
	v.maxAbs()
	v.roundInt8s()
	v.treeSum("sum", false)
	v.treeSum("sumSquares", true)
	v.max()
	v.affine()
	v.gelu()
	v.swiglu()
	v.scores()
	v.weights()
}

const limit = 1 << 40

func (v *vec) clampLimit(x reg.Register) {
	VMAXPS(v.constant("minusLimit", -limit), x, x)
	VMINPS(v.constant("limit", limit), x, x)
}

func (v *vec) zero(x reg.Register) {
	if v.bits == 512 {
		VPXORD(x, x, x)
	} else {
		VPXOR(x, x, x)
	}
}

func (v *vec) and(m Mem, x reg.Register) {
	if v.bits == 512 {
		VPANDD(m, x, x)
	} else {
		VPAND(m, x, x)
	}
}

func (v *vec) dequantMX(name string, add bool) {
	TEXT(fmt.Sprintf("%s%d", name, v.bits), NOSPLIT, "func(dst *float32, acc *int32, scale, bias, base *float32, lanes, stride uintptr)")
	Doc("computes or adds products of block-scaled activations for 16 rows; stride in bytes. See Transformer.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	acc := Load(Param("acc"), GP64())
	scale := Load(Param("scale"), GP64())
	bias := Load(Param("bias"), GP64())
	base := Load(Param("base"), GP64())
	lanes := Load(Param("lanes"), GP64())
	stride := Load(Param("stride"), GP64())
	parts := 16 / v.n()
	s, b := make([]reg.VecVirtual, parts), make([]reg.VecVirtual, parts)
	for i := range parts {
		s[i], b[i] = v.reg(), v.reg()
		VMOVUPS(Mem{Base: scale, Disp: 4 * v.n() * i}, s[i])
		VMOVUPS(Mem{Base: bias, Disp: 4 * v.n() * i}, b[i])
	}
	f := v.reg()
	Label("loop")
	VBROADCASTSS(Mem{Base: base}, f)
	for i := range parts {
		y, at := v.reg(), Mem{Base: dst, Disp: 4 * v.n() * i}
		VCVTDQ2PS(Mem{Base: acc, Disp: 4 * v.n() * i}, y)
		VMULPS(s[i], y, y)
		VMULPS(f, y, y)
		VADDPS(b[i], y, y)
		v.clampLimit(y)
		if add {
			VADDPS(at, y, y)
			v.clampLimit(y)
		}
		VMOVUPS(y, at)
	}
	ADDQ(Imm(64), acc)
	ADDQ(stride, dst)
	ADDQ(Imm(4), base)
	DECQ(lanes)
	JNZ(labelRef("loop"))
	VZEROUPPER()
	RET()
}

// clampExponent turns the bits of a magnitude into the exponent of its block.
func clampExponent(m, low, high reg.Register) {
	SHRL(Imm(23), m)
	SUBL(Imm(127+6), m)
	CMPL(m, low)
	CMOVLLT(low, m)
	CMPL(m, high)
	CMOVLGT(high, m)
}

func (v *vec) quantizeMX() {
	TEXT(fmt.Sprintf("quantizeMX%d", v.bits), NOSPLIT, "func(q *int8, shifts *uint32, x *float32, groups, top, laneBytes, shiftBytes uintptr) (base float32, sum int32)")
	Doc("makes block-scaled activations of groups*32 elements. See Transformer.")
	Pragma("noescape")
	q := Load(Param("q"), GP64())
	shifts := Load(Param("shifts"), GP64())
	x := Load(Param("x"), GP64())
	groups := Load(Param("groups"), GP64())
	laneBytes := Load(Param("laneBytes"), GP64())
	shiftBytes := Load(Param("shiftBytes"), GP64())
	vectors := 32 / v.n()

	low, high, top := GP32(), GP32(), GP32()
	MOVL(I32(-60), low)
	MOVL(I32(40), high)
	XORL(top, top)
	p, s, n := GP64(), GP64(), GP64()
	MOVQ(x, p)
	MOVQ(shifts, s)
	MOVQ(groups, n)
	mask := v.integer("absMask", 0x7fffffff)
	Label("max")
	m := v.reg()
	for i := range vectors {
		t := m
		if i > 0 {
			t = v.reg()
		}
		VMOVUPS(Mem{Base: p, Disp: 4 * v.n() * i}, t)
		v.and(mask, t)
		if i > 0 {
			VPMAXUD(t, m, m)
		}
	}
	halves(m, v.bits, VPMAXUD)
	b := GP32()
	VMOVD(m.AsX(), b)
	MOVL(b, Mem{Base: s})
	CMPL(b, top)
	CMOVLHI(b, top)
	ADDQ(U32(128), p)
	ADDQ(shiftBytes, s)
	DECQ(n)
	JNZ(labelRef("max"))

	clampExponent(top, low, high)
	base := top
	limit := GP64()
	Load(Param("top"), limit)
	SUBL(limit.As32(), base)
	MOVQ(groups, n)
	zero := GP32()
	XORL(zero, zero)
	total := v.reg()
	v.zero(total)
	Label("group")
	e := GP32()
	MOVL(Mem{Base: shifts}, e)
	clampExponent(e, low, high)
	SUBL(base, e)
	CMOVLLT(zero, e)
	MOVL(e, Mem{Base: shifts})
	count := XMM()
	VMOVD(e, count)
	// 2^(-base-shift)
	ADDL(base, e)
	NEGL(e)
	ADDL(Imm(127), e)
	SHLL(Imm(23), e)
	fx, f := XMM(), v.reg()
	VMOVD(e, fx)
	VBROADCASTSS(fx, f)
	for i := range vectors {
		h := v.reg()
		VMULPS(Mem{Base: x, Disp: 4 * v.n() * i}, f, h)
		VMINPS(v.constant("activation", 127), h, h)
		VMAXPS(v.constant("minusActivation", -127), h, h)
		at := Mem{Base: q, Disp: i * v.n() % 16}
		if i*v.n() >= 16 {
			at.Index, at.Scale = laneBytes, 1
		}
		VCVTPS2DQ(h, h)
		shifted := v.reg()
		VPSLLD(count, h, shifted)
		VPADDD(shifted, total, total)
		v.storeBytes(h, at)
	}
	ADDQ(U32(128), x)
	LEAQ(Mem{Base: q, Index: laneBytes, Scale: 2}, q)
	ADDQ(shiftBytes, shifts)
	DECQ(groups)
	JNZ(labelRef("group"))
	ADDL(Imm(127), base)
	SHLL(Imm(23), base)
	r := XMM()
	VMOVD(base, r)
	Store(r, ReturnIndex(0))
	halves(total, v.bits, VPADDD)
	sum := GP32()
	VMOVD(total.AsX(), sum)
	Store(sum, ReturnIndex(1))
	VZEROUPPER()
	RET()
}

func (v *vec) maxAbs() {
	TEXT(fmt.Sprintf("maxAbs%d", v.bits), NOSPLIT, "func(x *float32, n uintptr) float32")
	Doc("returns the greatest magnitude of n elements, a multiple of 16.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	top := v.reg()
	v.zero(top)
	mask := v.integer("absMask", 0x7fffffff)
	Label("loop")
	for i := range 16 / v.n() {
		t := v.reg()
		VMOVUPS(Mem{Base: x, Disp: 4 * v.n() * i}, t)
		v.and(mask, t)
		VPMAXUD(t, top, top)
	}
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JNZ(labelRef("loop"))
	halves(top, v.bits, VPMAXUD)
	Store(top.AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func (v *vec) roundInt8s() {
	TEXT(fmt.Sprintf("roundInt8s%d", v.bits), NOSPLIT, "func(dst *int8, x *float32, n uintptr, f float32)")
	Doc("computes dst = x*f, rounded and clamped, for n elements, a multiple of 16.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	f := v.broadcast("f")
	i := GP64()
	XORQ(i, i)
	v.loop(n, func() {
		h := v.reg()
		VMULPS(Mem{Base: x, Index: i, Scale: 4}, f, h)
		VMINPS(v.constant("activation", 127), h, h)
		VMAXPS(v.constant("minusActivation", -127), h, h)
		VCVTPS2DQ(h, h)
		v.storeBytes(h, Mem{Base: dst, Index: i, Scale: 1})
		ADDQ(Imm(uint64(v.n())), i)
	})
}

// storeBytes stores int32 elements in the range of int8, and destroys h.
func (v *vec) storeBytes(h reg.VecVirtual, at Mem) {
	if v.bits == 512 {
		VPMOVSDB(h, at)
		return
	}
	hi := XMM()
	VEXTRACTI128(Imm(1), h, hi)
	lo := h.AsX()
	VPACKSSDW(hi, lo, lo)
	VPACKSSWB(lo, lo, lo)
	VMOVQ(lo, at)
}

// treeSum writes the sum of the elements, or of their squared distances from a mean,
// by the fixed tree of 64 partial sums.
func (v *vec) treeSum(name string, squares bool) {
	args := "func(x *float32, n uintptr) float32"
	if squares {
		args = "func(x *float32, n uintptr, mean float32) float32"
	}
	TEXT(fmt.Sprintf("%s%d", name, v.bits), NOSPLIT, args)
	Doc("sums n elements, a multiple of 64. See Transformer.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	parts := 64 / v.n()
	if parts > 8 {
		panic("too many partial sums")
	}
	acc := make([]reg.VecVirtual, parts)
	for i := range acc {
		acc[i] = v.reg()
		v.zero(acc[i])
	}
	mean := v.reg()
	if squares {
		m := XMM()
		Load(Param("mean"), m)
		VBROADCASTSS(m, mean)
	}
	Label("loop")
	for i := range acc {
		at := Mem{Base: x, Disp: 4 * v.n() * i}
		if !squares {
			VADDPS(at, acc[i], acc[i])
			continue
		}
		t := v.reg()
		VMOVUPS(at, t)
		VSUBPS(mean, t, t)
		VMULPS(t, t, t)
		VADDPS(t, acc[i], acc[i])
	}
	ADDQ(U32(256), x)
	SUBQ(Imm(64), n)
	JNZ(labelRef("loop"))
	for w := parts / 2; w > 0; w /= 2 {
		for i := range w {
			VADDPS(acc[i+w], acc[i], acc[i])
		}
	}
	halves(acc[0], v.bits, VADDPS)
	Store(acc[0].AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func (v *vec) max() {
	TEXT(fmt.Sprintf("max%d", v.bits), NOSPLIT, "func(x *float32, n uintptr) float32")
	Doc("returns the greatest of n elements, a multiple of 16.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	top := v.reg()
	VMOVUPS(v.integer("minusInf", 0xff800000), top)
	Label("loop")
	for i := range 16 / v.n() {
		VMAXPS(Mem{Base: x, Disp: 4 * v.n() * i}, top, top)
	}
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JNZ(labelRef("loop"))
	halves(top, v.bits, VMAXPS)
	Store(top.AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func (v *vec) affine() {
	TEXT(fmt.Sprintf("affine%d", v.bits), NOSPLIT, "func(dst, x, gain, bias *float32, n uintptr, mean, r float32)")
	Doc("computes dst = ((x-mean)*r)*gain + bias for n elements, a multiple of 16.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	gain := Load(Param("gain"), GP64())
	bias := Load(Param("bias"), GP64())
	n := Load(Param("n"), GP64())
	mean, r := v.broadcast("mean"), v.broadcast("r")
	i := GP64()
	XORQ(i, i)
	at := func(base reg.Register) Mem { return Mem{Base: base, Index: i, Scale: 4} }
	v.loop(n, func() {
		y := v.reg()
		VMOVUPS(at(x), y)
		VSUBPS(mean, y, y)
		VMULPS(r, y, y)
		VMULPS(at(gain), y, y)
		VADDPS(at(bias), y, y)
		VMOVUPS(y, at(dst))
		ADDQ(Imm(uint64(v.n())), i)
	})
}

// broadcast loads a float32 parameter into all elements.
func (v *vec) broadcast(param string) reg.VecVirtual {
	x, r := XMM(), v.reg()
	Load(Param(param), x)
	VBROADCASTSS(x, r)
	return r
}

// exp2 replaces x with exp2(x), see Exp2.
func (v *vec) exp2(x reg.VecVirtual) {
	r, p := v.exp2Parts(x)
	VPSLLD(Imm(23), r, r)
	VPADDD(r, p, x)
}

// sigmoid2 replaces x with 1/(1+2^-x).
func (v *vec) sigmoid2(x reg.VecVirtual) {
	if v.bits == 512 {
		VPXORD(v.integer("signMask", 1<<31), x, x)
	} else {
		VPXOR(v.integer("signMask", 1<<31), x, x)
	}
	v.exp2(x)
	VADDPS(v.constant("one", 1), x, x)
	// Recip32
	y, t := v.reg(), v.reg()
	two := v.reg()
	VMOVUPS(v.constant("two", 2), two)
	VMOVUPS(v.integer("recip", 0x7ef311c3), y)
	VPSUBD(x, y, y)
	for range 3 {
		VMULPS(x, y, t)
		VSUBPS(t, two, t)
		VMULPS(t, y, y)
	}
	VMOVUPS(y, x)
}

// gates writes x = x*sigmoid2(f(x)) * y over two arrays.
func (v *vec) gate(name, other string, bound float32, f func(x reg.VecVirtual)) {
	TEXT(fmt.Sprintf("%s%d", name, v.bits), NOSPLIT, fmt.Sprintf("func(x, %s *float32, n uintptr)", other))
	Doc("computes n elements, a multiple of 16. See Transformer.")
	Pragma("noescape")
	x := Load(Param("x"), GP64())
	y := Load(Param(other), GP64())
	n := Load(Param("n"), GP64())
	i := GP64()
	XORQ(i, i)
	at := func(base reg.Register) Mem { return Mem{Base: base, Index: i, Scale: 4} }
	v.loop(n, func() {
		a, c := v.reg(), v.reg()
		VMOVUPS(at(x), a)
		VMAXPS(v.constant(name+"Min", -bound), a, a)
		VMINPS(v.constant(name+"Max", bound), a, c)
		f(c)
		v.sigmoid2(c)
		VMULPS(c, a, a)
		VMULPS(at(y), a, a)
		VMOVUPS(a, at(x))
		ADDQ(Imm(uint64(v.n())), i)
	})
}

func (v *vec) gelu() {
	v.gate("gelu", "factor", 8, func(c reg.VecVirtual) {
		t := v.reg()
		VMULPS(c, c, t)
		VMULPS(v.constant("geluB", 0.1029432396), t, t)
		VADDPS(v.constant("geluA", 2.302208198), t, t)
		VMULPS(t, c, c)
	})
}

func (v *vec) swiglu() {
	v.gate("swiglu", "up", 40, func(c reg.VecVirtual) {
		VMULPS(v.constant("log2e", log2e), c, c)
	})
}

func (v *vec) scores() {
	TEXT(fmt.Sprintf("scores%d", v.bits), NOSPLIT, "func(s *float32, acc *int32, keys *float32, scale float32, panels, accBytes uintptr) float32")
	Doc("computes the scores of whole panels of 16 positions and returns the greatest. See Transformer.")
	Pragma("noescape")
	s := Load(Param("s"), GP64())
	acc := Load(Param("acc"), GP64())
	keys := Load(Param("keys"), GP64())
	panels := Load(Param("panels"), GP64())
	accBytes := Load(Param("accBytes"), GP64())
	scale := v.broadcast("scale")
	top := v.reg()
	VMOVUPS(v.integer("minusInf", 0xff800000), top)
	Label("loop")
	for i := range 16 / v.n() {
		y, d := v.reg(), 4*v.n()*i
		VCVTDQ2PS(Mem{Base: acc, Disp: d}, y)
		VMULPS(Mem{Base: keys, Disp: d}, y, y)
		VMULPS(scale, y, y)
		VMOVUPS(y, Mem{Base: s, Disp: d})
		VMAXPS(y, top, top)
	}
	ADDQ(Imm(64), s)
	ADDQ(Imm(64), keys)
	ADDQ(accBytes, acc)
	DECQ(panels)
	JNZ(labelRef("loop"))
	halves(top, v.bits, VMAXPS)
	Store(top.AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func (v *vec) weights() {
	TEXT(fmt.Sprintf("weights%d", v.bits), NOSPLIT, "func(q *int8, s, values *float32, top, full, norm float32, blocks, laneBytes uintptr) int32")
	Doc("computes the attention weights of whole blocks of 16 positions. See Transformer.")
	Pragma("noescape")
	q := Load(Param("q"), GP64())
	s := Load(Param("s"), GP64())
	values := Load(Param("values"), GP64())
	blocks := Load(Param("blocks"), GP64())
	laneBytes := Load(Param("laneBytes"), GP64())
	top, full, norm := v.broadcast("top"), v.broadcast("full"), v.broadcast("norm")
	total := v.reg()
	v.zero(total)
	Label("loop")
	for i := range 16 / v.n() {
		x, w, d := v.reg(), v.reg(), 4*v.n()*i
		VMOVUPS(Mem{Base: s, Disp: d}, x)
		VSUBPS(top, x, x)
		VMAXPS(v.constant("scoreMin", -40), x, x)
		v.exp2(x)
		VMULPS(full, x, w)
		VMULPS(Mem{Base: values, Disp: d}, w, w)
		VCVTPS2DQ(w, w)
		VMULPS(norm, x, x)
		VCVTPS2DQ(x, x)
		VPADDD(x, total, total)
		lo := v.reg()
		VMOVUPS(w, lo)
		v.and(v.integer("low7", 127), lo)
		VPSRLD(Imm(7), w, w)
		v.storeBytes(w, Mem{Base: q, Disp: v.n() * i})
		v.storeBytes(lo, Mem{Base: q, Disp: 16 + v.n()*i})
	}
	ADDQ(Imm(64), s)
	ADDQ(Imm(64), values)
	ADDQ(laneBytes, q)
	DECQ(blocks)
	JNZ(labelRef("loop"))
	halves(total, v.bits, VPADDD)
	ret := GP32()
	VMOVD(total.AsX(), ret)
	Store(ret, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
