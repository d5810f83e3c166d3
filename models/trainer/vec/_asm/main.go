// Command asm writes the AVX2 kernels of package vec.
//
//	cd models/trainer/vec/_asm && go run . -out ../vec_amd64.s -stubs ../vec_amd64.go -pkg vec
//
// Every kernel works on 8 float32 at a time; n is a positive multiple of 8.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// splat returns a constant repeated over a vector.
func splat(name string, v float32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(math.Float32bits(v)))
	}
	return m
}

func splatInt(name string, v uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v))
	}
	return m
}

var one, two, expMax, expMin, log2e, ln2hi, ln2lo, c2, c3, c4, c5, c6, signBit, bias127 Mem

func constants() {
	one = splat("one", 1)
	two = splat("two", 2)
	expMax = splat("expMax", 87)
	expMin = splat("expMin", -87)
	log2e = splat("log2e", 1.44269504)
	ln2hi = splat("ln2hi", 0.693359375)
	ln2lo = splat("ln2lo", -2.12194440e-4)
	c2 = splat("c2", 1.0/2)
	c3 = splat("c3", 1.0/6)
	c4 = splat("c4", 1.0/24)
	c5 = splat("c5", 1.0/120)
	c6 = splat("c6", 1.0/720)
	gelu2c = splat("gelu2c", 1.5957691216)
	gelu2ck = splat("gelu2ck", 1.5957691216*0.044715)
	gelu6ck = splat("gelu6ck", 1.5957691216*0.044715*3)
	signBit = splatInt("signBit", 1<<31)
	bias127 = splatInt("bias127", 127)
}

// exp replaces x by e^x, with x clamped to [-87, 87]: relative error below 2e-7.
func exp(x reg.VecVirtual) {
	VMINPS(expMax, x, x)
	VMAXPS(expMin, x, x)
	n := YMM()
	VMULPS(log2e, x, n)
	VROUNDPS(U8(0), n, n)
	t := YMM()
	VMOVUPS(ln2hi, t)
	VFNMADD231PS(t, n, x)
	VMOVUPS(ln2lo, t)
	VFNMADD231PS(t, n, x)
	VMOVUPS(c6, t)
	for _, c := range []Mem{c5, c4, c3, c2, one, one} {
		VFMADD213PS(c, x, t) // t = t*x + c
	}
	VCVTPS2DQ(n, n)
	VPADDD(bias127, n, n)
	VPSLLD(U8(23), n, n)
	VMULPS(n, t, x)
}

// sigmoid replaces x by 1/(1+e^-x).
func sigmoid(x reg.VecVirtual) {
	VXORPS(signBit, x, x)
	exp(x)
	VADDPS(one, x, x)
	t := YMM()
	VMOVUPS(one, t)
	VDIVPS(x, t, x)
}

// tanh replaces x by 2/(1+e^-2x) - 1.
func tanh(x reg.VecVirtual) {
	VADDPS(x, x, x)
	VXORPS(signBit, x, x)
	exp(x)
	VADDPS(one, x, x)
	t := YMM()
	VMOVUPS(two, t)
	VDIVPS(x, t, x)
	VSUBPS(one, x, x)
}

func load(m Mem) reg.VecVirtual {
	x := YMM()
	VMOVUPS(m, x)
	return x
}

// rows addresses consecutive rows of n floats from one pointer.
type rows struct{ base, s, s3, s4 reg.Register }

func (r rows) at(i int) Mem {
	switch i {
	case 0:
		return Mem{Base: r.base}
	case 1:
		return Mem{Base: r.base, Index: r.s, Scale: 1}
	case 2:
		return Mem{Base: r.base, Index: r.s, Scale: 2}
	case 3:
		return Mem{Base: r.base, Index: r.s3, Scale: 1}
	}
	return Mem{Base: r.base, Index: r.s, Scale: 4}
}

// loop emits body for every 8 elements and advances the pointers.
func loop(n reg.GPVirtual, pointers []reg.GPVirtual, body func()) {
	Label("loop")
	body()
	for _, p := range pointers {
		ADDQ(U8(32), p)
	}
	SUBQ(U8(8), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// strides returns 4n and 12n bytes.
func strides(n reg.GPVirtual) (s, s3 reg.GPVirtual) {
	s, s3 = GP64(), GP64()
	MOVQ(n, s)
	SHLQ(U8(2), s)
	LEAQ(Mem{Base: s, Index: s, Scale: 2}, s3)
	return s, s3
}

func arg(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

func begin(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Doc(name + " " + doc)
	Pragma("noescape")
}

func gruForward() {
	begin("gruForward", "func(n int, gi, gh, bi, bh, h, out, saved *float32)",
		"is one step of a GRU for one stream; saved gets r, z, n and the hidden part of n.")
	n, gi, gh, bi, bh, h, out, saved := arg("n"), arg("gi"), arg("gh"), arg("bi"), arg("bh"), arg("h"), arg("out"), arg("saved")
	s, s3 := strides(n)
	at := func(p reg.GPVirtual, i int) Mem { return rows{base: p, s: s, s3: s3}.at(i) }
	loop(n, []reg.GPVirtual{gi, gh, bi, bh, h, out, saved}, func() {
		gate := func(i int) reg.VecVirtual {
			x := load(at(gi, i))
			VADDPS(at(bi, i), x, x)
			VADDPS(at(gh, i), x, x)
			VADDPS(at(bh, i), x, x)
			sigmoid(x)
			VMOVUPS(x, at(saved, i))
			return x
		}
		r := gate(0)
		z := gate(1)
		hn := load(at(gh, 2))
		VADDPS(at(bh, 2), hn, hn)
		VMOVUPS(hn, at(saved, 3))
		x := load(at(gi, 2))
		VADDPS(at(bi, 2), x, x)
		VFMADD231PS(hn, r, x)
		tanh(x)
		VMOVUPS(x, at(saved, 2))
		d := load(at(h, 0))
		VSUBPS(x, d, d)
		VFMADD231PS(d, z, x)
		VMOVUPS(x, at(out, 0))
	})
}

func gruBackward() {
	begin("gruBackward", "func(n int, dh, saved, h, di, dh3 *float32)",
		"is the gradient of one step: di and dh3 get those of the gates' input and hidden parts, dh becomes dh*z.")
	n, dh, saved, h, di, dg := arg("n"), arg("dh"), arg("saved"), arg("h"), arg("di"), arg("dh3")
	s, s3 := strides(n)
	at := func(p reg.GPVirtual, i int) Mem { return rows{base: p, s: s, s3: s3}.at(i) }
	loop(n, []reg.GPVirtual{dh, saved, h, di, dg}, func() {
		d, r, z, nn := load(at(dh, 0)), load(at(saved, 0)), load(at(saved, 1)), load(at(saved, 2))
		unit := load(one)
		dz := load(at(h, 0))
		VSUBPS(nn, dz, dz)
		VMULPS(d, dz, dz)
		VMULPS(z, dz, dz)
		q := YMM()
		VSUBPS(z, unit, q) // 1-z
		VMULPS(q, dz, dz)
		VMOVUPS(dz, at(di, 1))
		VMOVUPS(dz, at(dg, 1))
		dn := YMM()
		VMULPS(q, d, dn)
		VMULPS(nn, nn, q)
		VSUBPS(q, unit, q) // 1-n^2
		VMULPS(q, dn, dn)
		VMOVUPS(dn, at(di, 2))
		dr := YMM()
		VMULPS(at(saved, 3), dn, dr)
		VMULPS(r, dn, dn)
		VMOVUPS(dn, at(dg, 2))
		VSUBPS(r, unit, q)
		VMULPS(r, q, q)
		VMULPS(q, dr, dr)
		VMOVUPS(dr, at(di, 0))
		VMOVUPS(dr, at(dg, 0))
		VMULPS(z, d, d)
		VMOVUPS(d, at(dh, 0))
	})
}

func lstmForward() {
	begin("lstmForward", "func(n int, gi, gh, bi, bh, c, cOut, out, saved *float32)",
		"is one step of an LSTM for one stream; saved gets i, f, g, o and tanh(c').")
	n, gi, gh, bi, bh, c, cOut, out, saved := arg("n"), arg("gi"), arg("gh"), arg("bi"), arg("bh"), arg("c"), arg("cOut"), arg("out"), arg("saved")
	s, s3 := strides(n)
	at := func(p reg.GPVirtual, i int) Mem { return rows{base: p, s: s, s3: s3}.at(i) }
	loop(n, []reg.GPVirtual{gi, gh, bi, bh, c, cOut, out, saved}, func() {
		gate := func(i int) reg.VecVirtual {
			x := load(at(gi, i))
			VADDPS(at(bi, i), x, x)
			VADDPS(at(gh, i), x, x)
			VADDPS(at(bh, i), x, x)
			if i == 2 {
				tanh(x)
			} else {
				sigmoid(x)
			}
			VMOVUPS(x, at(saved, i))
			return x
		}
		i, f, g, o := gate(0), gate(1), gate(2), gate(3)
		VMULPS(at(c, 0), f, f)
		VFMADD231PS(g, i, f)
		VMOVUPS(f, at(cOut, 0))
		tanh(f)
		VMOVUPS(f, at(saved, 4))
		VMULPS(f, o, o)
		VMOVUPS(o, at(out, 0))
	})
}

func lstmBackward() {
	begin("lstmBackward", "func(n int, dh, dc, saved, c, dg *float32)",
		"is the gradient of one step: dg gets that of the gates, dc becomes that of the cell before.")
	n, dh, dc, saved, c, dg := arg("n"), arg("dh"), arg("dc"), arg("saved"), arg("c"), arg("dg")
	s, s3 := strides(n)
	at := func(p reg.GPVirtual, i int) Mem { return rows{base: p, s: s, s3: s3}.at(i) }
	loop(n, []reg.GPVirtual{dh, dc, saved, c, dg}, func() {
		d, unit := load(at(dh, 0)), load(one)
		logistic := func(x, dx reg.VecVirtual) { // dx *= x*(1-x)
			q := YMM()
			VSUBPS(x, unit, q)
			VMULPS(x, q, q)
			VMULPS(q, dx, dx)
		}
		o, t := load(at(saved, 3)), load(at(saved, 4))
		do := YMM()
		VMULPS(t, d, do)
		logistic(o, do)
		VMOVUPS(do, at(dg, 3))
		VMULPS(t, t, t)
		VSUBPS(t, unit, t) // 1 - tanh(c')^2
		VMULPS(o, d, d)
		e := load(at(dc, 0))
		VFMADD231PS(t, d, e) // gradient of c'
		i, f, g := load(at(saved, 0)), load(at(saved, 1)), load(at(saved, 2))
		df := load(at(c, 0))
		VMULPS(e, df, df)
		logistic(f, df)
		VMOVUPS(df, at(dg, 1))
		di := YMM()
		VMULPS(g, e, di)
		logistic(i, di)
		VMOVUPS(di, at(dg, 0))
		dgg := YMM()
		VMULPS(i, e, dgg)
		VMULPS(g, g, g)
		VSUBPS(g, unit, g)
		VMULPS(g, dgg, dgg)
		VMOVUPS(dgg, at(dg, 2))
		VMULPS(f, e, e)
		VMOVUPS(e, at(dc, 0))
	})
}

// reduce folds x to one float with op and stores it in the result.
func reduce(x reg.VecVirtual, max bool) {
	op := func(a, b Op, d reg.VecVirtual) {
		if max {
			VMAXPS(a, b, d)
		} else {
			VADDPS(a, b, d)
		}
	}
	hi := XMM()
	VEXTRACTF128(U8(1), x, hi)
	lo := x.AsX()
	t := XMM()
	if max {
		VMAXPS(hi, lo, t)
	} else {
		VADDPS(hi, lo, t)
	}
	u := XMM()
	VMOVHLPS(t, t, u)
	op(u, t, t)
	VSHUFPS(U8(1), t, t, u)
	op(u, t, t)
	VZEROUPPER()
	Store(t, ReturnIndex(0))
	RET()
}

func softmaxParts() {
	begin("addMax", "func(n int, x, b *float32) float32", "adds b to x and returns the largest sum.")
	n, x, b := arg("n"), arg("x"), arg("b")
	m := YMM()
	VMOVUPS(Mem{Base: x}, m)
	VADDPS(Mem{Base: b}, m, m)
	Label("loop")
	v := load(Mem{Base: x})
	VADDPS(Mem{Base: b}, v, v)
	VMOVUPS(v, Mem{Base: x})
	VMAXPS(v, m, m)
	ADDQ(U8(32), x)
	ADDQ(U8(32), b)
	SUBQ(U8(8), n)
	JNZ(LabelRef("loop"))
	reduce(m, true)

	begin("expSum", "func(n int, x *float32, max float32) float32", "replaces x by e^(x-max) and returns the sum.")
	n, x = arg("n"), arg("x")
	p, _ := Param("max").Resolve()
	shift := YMM()
	VBROADCASTSS(p.Addr, shift)
	sum := YMM()
	VXORPS(sum, sum, sum)
	Label("loop")
	v = load(Mem{Base: x})
	VSUBPS(shift, v, v)
	exp(v)
	VMOVUPS(v, Mem{Base: x})
	VADDPS(v, sum, sum)
	ADDQ(U8(32), x)
	SUBQ(U8(8), n)
	JNZ(LabelRef("loop"))
	reduce(sum, false)
}

func adamW() {
	begin("adamW", "func(n int, w, m, v, grad *float32, k *[8]float32)",
		"updates w, m and v; k is the scale of grad, 1-beta1, 1-beta2, the rate over 1-beta1^t, 1/sqrt(1-beta2^t), epsilon, 1 - rate*decay.")
	n, w, m, v, g, k := arg("n"), arg("w"), arg("m"), arg("v"), arg("grad"), arg("k")
	var c [7]reg.VecVirtual
	for i := range c {
		c[i] = YMM()
		VBROADCASTSS(Mem{Base: k, Disp: 4 * i}, c[i])
	}
	loop(n, []reg.GPVirtual{w, m, v, g}, func() {
		x := load(Mem{Base: g})
		VMULPS(c[0], x, x)
		mm, d := load(Mem{Base: m}), YMM()
		VSUBPS(mm, x, d)
		VFMADD231PS(c[1], d, mm)
		VMOVUPS(mm, Mem{Base: m})
		vv := load(Mem{Base: v})
		VMULPS(x, x, x)
		VSUBPS(vv, x, d)
		VFMADD231PS(c[2], d, vv)
		VMOVUPS(vv, Mem{Base: v})
		VSQRTPS(vv, vv)
		VMULPS(c[4], vv, vv)
		VADDPS(c[5], vv, vv)
		VMULPS(c[3], mm, mm)
		VDIVPS(vv, mm, mm)
		ww := load(Mem{Base: w})
		VMULPS(c[6], ww, ww)
		VSUBPS(mm, ww, ww)
		VMOVUPS(ww, Mem{Base: w})
	})
}

func add() {
	begin("addTo", "func(n int, dst, src *float32)", "adds src to dst.")
	n, dst, src := arg("n"), arg("dst"), arg("src")
	loop(n, []reg.GPVirtual{dst, src}, func() {
		x := load(Mem{Base: dst})
		VADDPS(Mem{Base: src}, x, x)
		VMOVUPS(x, Mem{Base: dst})
	})
}

func main() {
	ConstraintExpr("!noasm")
	constants()
	transformer()
	gruForward()
	gruBackward()
	lstmForward()
	lstmBackward()
	softmaxParts()
	adamW()
	add()
	Generate()
}
