package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// each emits a loop over n elements, which ends after the last ones.
func each(n reg.GPVirtual, pointers []reg.GPVirtual, body func()) {
	Label("loop")
	body()
	for _, p := range pointers {
		ADDQ(U8(32), p)
	}
	SUBQ(U8(8), n)
	JNZ(LabelRef("loop"))
}

// broadcast returns a float argument repeated over a vector.
func broadcast(name string) reg.VecVirtual {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	x := YMM()
	VBROADCASTSS(p.Addr, x)
	return x
}

func zero() reg.VecVirtual {
	x := YMM()
	VXORPS(x, x, x)
	return x
}

// transformer emits the kernels of transformers.
func transformer() {
	begin("dot", "func(n int, x, y *float32) float32", "returns the sum of the products.")
	n, x, y := arg("n"), arg("x"), arg("y")
	sum := zero()
	each(n, []reg.GPVirtual{x, y}, func() {
		v := load(Mem{Base: x})
		VFMADD231PS(Mem{Base: y}, v, sum)
	})
	reduce(sum, false)

	begin("dot3", "func(n int, x, y, z *float32) float32", "returns the sum of the products of three.")
	n, x, y = arg("n"), arg("x"), arg("y")
	z := arg("z")
	sum = zero()
	each(n, []reg.GPVirtual{x, y, z}, func() {
		v := load(Mem{Base: x})
		VMULPS(Mem{Base: y}, v, v)
		VFMADD231PS(Mem{Base: z}, v, sum)
	})
	reduce(sum, false)

	begin("sum", "func(n int, x *float32) float32", "returns the sum.")
	n, x = arg("n"), arg("x")
	sum = zero()
	each(n, []reg.GPVirtual{x}, func() { VADDPS(Mem{Base: x}, sum, sum) })
	reduce(sum, false)

	begin("largest", "func(n int, x *float32) float32", "returns the largest element.")
	n, x = arg("n"), arg("x")
	most := load(Mem{Base: x})
	each(n, []reg.GPVirtual{x}, func() { VMAXPS(Mem{Base: x}, most, most) })
	reduce(most, true)

	begin("scale", "func(n int, x *float32, k float32)", "multiplies x by k.")
	n, x = arg("n"), arg("x")
	k := broadcast("k")
	loop(n, []reg.GPVirtual{x}, func() {
		v := YMM()
		VMULPS(Mem{Base: x}, k, v)
		VMOVUPS(v, Mem{Base: x})
	})

	begin("normForward", "func(n int, out, x, w *float32, mean, r float32)", "computes out = (x-mean)*r*w.")
	n, x = arg("n"), arg("x")
	out, w := arg("out"), arg("w")
	mean, r := broadcast("mean"), broadcast("r")
	loop(n, []reg.GPVirtual{out, x, w}, func() {
		v := load(Mem{Base: x})
		VSUBPS(mean, v, v)
		VMULPS(r, v, v)
		VMULPS(Mem{Base: w}, v, v)
		VMOVUPS(v, Mem{Base: out})
	})

	begin("normBackward", "func(n int, dx, dw, dy, x, w *float32, mean, r, a, b float32)",
		"adds dy*w*r - (x-mean)*a - b to dx and dy*(x-mean)*r to dw.")
	n, x, w = arg("n"), arg("x"), arg("w")
	dx, dw, dy := arg("dx"), arg("dw"), arg("dy")
	mean, r = broadcast("mean"), broadcast("r")
	a, b := broadcast("a"), broadcast("b")
	loop(n, []reg.GPVirtual{dx, dw, dy, x, w}, func() {
		v, d := load(Mem{Base: x}), load(Mem{Base: dy})
		VSUBPS(mean, v, v)
		VMULPS(r, d, d)
		g := load(Mem{Base: dw})
		VFMADD231PS(v, d, g)
		VMOVUPS(g, Mem{Base: dw})
		g = load(Mem{Base: dx})
		VFMADD231PS(Mem{Base: w}, d, g)
		VFNMADD231PS(a, v, g)
		VSUBPS(b, g, g)
		VMOVUPS(g, Mem{Base: dx})
	})

	begin("swigluForward", "func(n int, out, gate, u *float32)", "computes out = gate*sigmoid(gate)*u.")
	n, out = arg("n"), arg("out")
	g, u := arg("gate"), arg("u")
	loop(n, []reg.GPVirtual{out, g, u}, func() {
		v := load(Mem{Base: g})
		s := YMM()
		VMOVAPS(v, s)
		sigmoid(s)
		VMULPS(v, s, s)
		VMULPS(Mem{Base: u}, s, s)
		VMOVUPS(s, Mem{Base: out})
	})

	begin("swigluBackward", "func(n int, gate, u, da *float32)", "replaces gate and u by their gradients, da being that of the product.")
	n, g, u = arg("n"), arg("gate"), arg("u")
	da := arg("da")
	loop(n, []reg.GPVirtual{g, u, da}, func() {
		v, d := load(Mem{Base: g}), load(Mem{Base: da})
		s := YMM()
		VMOVAPS(v, s)
		sigmoid(s)
		y := YMM()
		VMULPS(v, s, y) // silu
		t := load(one)
		VSUBPS(s, t, t)
		VMULPS(y, t, t)
		VADDPS(s, t, t) // its derivative: s + y*(1-s)
		VMULPS(d, y, y)
		VMULPS(Mem{Base: u}, d, d)
		VMOVUPS(y, Mem{Base: u})
		VMULPS(t, d, d)
		VMOVUPS(d, Mem{Base: g})
	})

	begin("geluForward", "func(n int, out, x *float32)", "computes the tanh form of GELU.")
	n, out, x = arg("n"), arg("out"), arg("x")
	loop(n, []reg.GPVirtual{out, x}, func() {
		v := load(Mem{Base: x})
		s := geluInner(v)
		sigmoid(s)
		VMULPS(v, s, s)
		VMOVUPS(s, Mem{Base: out})
	})

	begin("geluBackward", "func(n int, x, da *float32)", "replaces x by its gradient, da being that of the result.")
	n, x, da = arg("n"), arg("x"), arg("da")
	loop(n, []reg.GPVirtual{x, da}, func() {
		v := load(Mem{Base: x})
		s := geluInner(v)
		sigmoid(s)
		// s + v*s*(1-s)*(2c + 6*c*k*v^2)
		t := YMM()
		VMULPS(v, v, t)
		k := load(gelu6ck)
		VFMADD213PS(gelu2c, k, t) // t = t*k + 2c
		q := load(one)
		VSUBPS(s, q, q)
		VMULPS(s, q, q)
		VMULPS(v, q, q)
		VFMADD231PS(t, q, s)
		VMULPS(Mem{Base: da}, s, s)
		VMOVUPS(s, Mem{Base: x})
	})

	begin("rotate", "func(n int, x, c, s *float32)", "computes x*c + swapped(x)*s, where pairs of neighbours are swapped.")
	n, x = arg("n"), arg("x")
	c, s := arg("c"), arg("s")
	loop(n, []reg.GPVirtual{x, c, s}, func() {
		v := load(Mem{Base: x})
		t := YMM()
		VPERMILPS(U8(0xb1), v, t)
		VMULPS(Mem{Base: c}, v, v)
		VFMADD231PS(Mem{Base: s}, t, v)
		VMOVUPS(v, Mem{Base: x})
	})

	begin("softmaxBackward", "func(n int, p, dp *float32, d, k float32)", "replaces dp by p*(dp-d)*k.")
	n = arg("n")
	p, dp := arg("p"), arg("dp")
	d, kk := broadcast("d"), broadcast("k")
	loop(n, []reg.GPVirtual{p, dp}, func() {
		v := load(Mem{Base: dp})
		VSUBPS(d, v, v)
		VMULPS(Mem{Base: p}, v, v)
		VMULPS(kk, v, v)
		VMOVUPS(v, Mem{Base: dp})
	})
}

var gelu2c, gelu2ck, gelu6ck Mem

// geluInner returns 2*c*(x + k*x^3), c = sqrt(2/pi), k = 0.044715: the tanh form is
// x*sigmoid of that.
func geluInner(x reg.VecVirtual) reg.VecVirtual {
	t, k := YMM(), load(gelu2ck)
	VMULPS(x, x, t)
	VFMADD213PS(gelu2c, k, t)
	VMULPS(x, t, t)
	return t
}
