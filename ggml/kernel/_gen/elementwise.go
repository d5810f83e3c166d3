package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vec writes elementwise code for a vector width. The operations and their order
// are those of math32.go and generic.go, each rounded by itself.
type vec struct {
	bits   int
	consts map[string]Mem
}

// n is the number of float32 in a vector.
func (v *vec) n() int { return v.bits / 32 }

func (v *vec) reg() reg.VecVirtual {
	if v.bits == 512 {
		return ZMM()
	}
	return YMM()
}

// constant returns a vector in memory whose elements are all x.
func (v *vec) constant(name string, x float32) Mem { return v.integer(name, math.Float32bits(x)) }

// integer returns a vector in memory whose elements are all x.
func (v *vec) integer(name string, x uint32) Mem {
	if m, ok := v.consts[name]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("%s%d", name, v.bits), RODATA|NOPTR)
	for i := range v.n() {
		DATA(4*i, U32(x))
	}
	v.consts[name] = m
	return m
}

const log2e = 1.44269504088896

// exp2Parts returns the integer n nearest to x, and p = 2^(x-n). It leaves x-n in x.
func (v *vec) exp2Parts(x reg.VecVirtual) (n, p reg.VecVirtual) {
	n, p = v.reg(), v.reg()
	magic := v.constant("roundMagic", 3<<22)
	VADDPS(magic, x, n)
	VSUBPS(magic, n, n)
	VSUBPS(n, x, x)
	VMULPS(v.constant("exp2C5", 0.0013264587522), x, p)
	for _, c := range []struct {
		name string
		x    float32
	}{{"exp2C4", 0.00967161922927}, {"exp2C3", 0.0555073504235}, {"exp2C2", 0.240222404556}, {"exp2C1", 0.693146976375}, {"one", 1}} {
		VADDPS(v.constant(c.name, c.x), p, p)
		if c.name != "one" {
			VMULPS(x, p, p)
		}
	}
	VCVTPS2DQ(n, n)
	return n, p
}

// tanh replaces x with tanh32(x).
func (v *vec) tanh(x reg.VecVirtual) {
	t, p, q := v.reg(), v.reg(), v.reg()
	VMINPS(v.constant("tanhMax", 8), x, x)
	VMAXPS(v.constant("tanhMin", -8), x, x)
	VMULPS(x, x, t)
	VMULPS(v.constant("tanhP3", 3.47920978639e-6), t, p)
	VADDPS(v.constant("tanhP2", 0.00217962080022), p, p)
	VMULPS(t, p, p)
	VADDPS(v.constant("tanhP1", 0.121936219613), p, p)
	VMULPS(t, p, p)
	VADDPS(v.constant("tanhP0", 0.999997295489), p, p)
	VMULPS(x, p, p)
	VMULPS(v.constant("tanhQ3", 0.000131838233733), t, q)
	VADDPS(v.constant("tanhQ2", 0.02061829374), q, q)
	VMULPS(t, q, q)
	VADDPS(v.constant("tanhQ1", 0.455251021991), q, q)
	VMULPS(t, q, q)
	VADDPS(v.constant("one", 1), q, q)
	VDIVPS(q, p, x)
	VMINPS(v.constant("one", 1), x, x)
	VMAXPS(v.constant("minusOne", -1), x, x)
}

// sigmoid replaces x with sigmoid32(x).
func (v *vec) sigmoid(x reg.VecVirtual) {
	half := v.constant("half", 0.5)
	VMULPS(half, x, x)
	v.tanh(x)
	VMULPS(half, x, x)
	VADDPS(half, x, x)
}

// storeInt8 stores roundeven(h * 127) as bytes, and destroys h.
func (v *vec) storeInt8(h reg.VecVirtual, q Mem) {
	VMULPS(v.constant("activation", 127), h, h)
	VCVTPS2DQ(h, h)
	if v.bits == 512 {
		VPMOVSDB(h, q)
		return
	}
	hi := XMM()
	VEXTRACTI128(Imm(1), h, hi)
	lo := h.AsX()
	VPACKSSDW(hi, lo, lo)
	VPACKSSWB(lo, lo, lo)
	VMOVQ(lo, q)
}

// loop repeats body for the vectors of count elements.
func (v *vec) loop(count reg.Register, body func()) {
	Label("loop")
	body()
	SUBQ(Imm(uint64(v.n())), count)
	JNZ(labelRef("loop"))
	VZEROUPPER()
	RET()
}

func elementwise(bits int) {
	v := &vec{bits: bits, consts: map[string]Mem{}}
	v.dequant()
	v.gru()
	v.lstm()
	v.freqs()
	v.transformer()
}

func (v *vec) dequant() {
	TEXT(fmt.Sprintf("dequant%d", v.bits), NOSPLIT, "func(dst *float32, acc *int32, scale, bias *float32, lanes, stride uintptr)")
	Doc("computes dst[l][r] = float32(acc[l][r])*scale[r] + bias[r] for 16 rows; stride in bytes.")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	acc := Load(Param("acc"), GP64())
	scale := Load(Param("scale"), GP64())
	bias := Load(Param("bias"), GP64())
	lanes := Load(Param("lanes"), GP64())
	stride := Load(Param("stride"), GP64())
	parts := 16 / v.n()
	s, b := make([]reg.VecVirtual, parts), make([]reg.VecVirtual, parts)
	for i := range parts {
		s[i], b[i] = v.reg(), v.reg()
		VMOVUPS(Mem{Base: scale, Disp: 4 * v.n() * i}, s[i])
		VMOVUPS(Mem{Base: bias, Disp: 4 * v.n() * i}, b[i])
	}
	Label("loop")
	for i := range parts {
		y := v.reg()
		VCVTDQ2PS(Mem{Base: acc, Disp: 4 * v.n() * i}, y)
		VMULPS(s[i], y, y)
		VADDPS(b[i], y, y)
		VMOVUPS(y, Mem{Base: dst, Disp: 4 * v.n() * i})
	}
	ADDQ(Imm(64), acc)
	ADDQ(stride, dst)
	DECQ(lanes)
	JNZ(labelRef("loop"))
	VZEROUPPER()
	RET()
}

// gateArgs are the arguments of gru and lstm: vectors at an offset of i elements.
type gateArgs struct {
	state, q, n, i, bytes reg.Register
	x, p                  []reg.Register
}

func (v *vec) gates(gates int) gateArgs {
	a := gateArgs{
		state: Load(Param("state"), GP64()),
		q:     Load(Param("q"), GP64()),
		n:     Load(Param("n"), GP64()),
	}
	x, p := Load(Param("x"), GP64()), Load(Param("p"), GP64())
	bytes := GP64()
	MOVQ(a.n, bytes)
	SHLQ(Imm(2), bytes)
	a.x, a.p = []reg.Register{x}, []reg.Register{p}
	for range gates - 1 {
		x2, p2 := GP64(), GP64()
		LEAQ(Mem{Base: a.x[len(a.x)-1], Index: bytes, Scale: 1}, x2)
		LEAQ(Mem{Base: a.p[len(a.p)-1], Index: bytes, Scale: 1}, p2)
		a.x, a.p = append(a.x, x2), append(a.p, p2)
	}
	a.i = GP64()
	XORQ(a.i, a.i)
	return a
}

func (a *gateArgs) at(base reg.Register) Mem { return Mem{Base: base, Index: a.i, Scale: 4} }

// sum loads x+p of a gate.
func (v *vec) sum(a *gateArgs, gate int) reg.VecVirtual {
	r := v.reg()
	VMOVUPS(a.at(a.x[gate]), r)
	VADDPS(a.at(a.p[gate]), r, r)
	return r
}

func (v *vec) gru() {
	TEXT(fmt.Sprintf("gru%d", v.bits), NOSPLIT, "func(state *float32, q *int8, x, p *float32, n uintptr)")
	Doc("updates n hidden states; x and p are [3][n]. See Kernel.GRU.")
	Pragma("noescape")
	a := v.gates(3)
	v.loop(a.n, func() {
		r := v.sum(&a, 0)
		v.sigmoid(r)
		z := v.sum(&a, 1)
		v.sigmoid(z)
		VMULPS(a.at(a.p[2]), r, r)
		c := r
		VADDPS(a.at(a.x[2]), c, c)
		v.tanh(c)
		h := v.reg()
		VMOVUPS(a.at(a.state), h)
		VSUBPS(c, h, h)
		VMULPS(z, h, h)
		VADDPS(c, h, h)
		VMINPS(v.constant("one", 1), h, h)
		VMAXPS(v.constant("minusOne", -1), h, h)
		VMOVUPS(h, a.at(a.state))
		v.storeInt8(h, Mem{Base: a.q, Index: a.i, Scale: 1})
		ADDQ(Imm(uint64(v.n())), a.i)
	})
}

func (v *vec) lstm() {
	TEXT(fmt.Sprintf("lstm%d", v.bits), NOSPLIT, "func(state *float32, q *int8, x, p *float32, n uintptr)")
	Doc("updates n cell states; x and p are [4][n]. See Kernel.LSTM.")
	Pragma("noescape")
	a := v.gates(4)
	v.loop(a.n, func() {
		i := v.sum(&a, 0)
		v.sigmoid(i)
		g := v.sum(&a, 2)
		v.tanh(g)
		VMULPS(g, i, i)
		f := v.sum(&a, 1)
		v.sigmoid(f)
		VMULPS(a.at(a.state), f, f)
		c := f
		VADDPS(i, c, c)
		VMOVUPS(c, a.at(a.state))
		o := v.sum(&a, 3)
		v.sigmoid(o)
		v.tanh(c)
		VMULPS(c, o, o)
		v.storeInt8(o, Mem{Base: a.q, Index: a.i, Scale: 1})
		ADDQ(Imm(uint64(v.n())), a.i)
	})
}
