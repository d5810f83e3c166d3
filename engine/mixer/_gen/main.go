// Command _gen writes net_amd64.s and its stubs: the products of the mixing
// network (net.go) with AVX2.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// As in net.go.
const (
	numInputs = 40
	numCtx    = 12 // as in mixer.go
	numSets   = 8
	weightMax = 8<<20 - 1
	block     = 8 // int32 per 256-bit register
)

func main() {
	ConstraintExpr("amd64,!noasm")

	TEXT("dotsAVX2", NOSPLIT, "func(w, x, out *int32, off *uint32)")
	Pragma("noescape")
	Doc("dotsAVX2 computes out[k] = sum over i of (w[off[k]+i]>>8)*x[i] with int32 wrap-around,",
		"for the numSets weight vectors at off and the numInputs inputs x.")
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	out := Load(Param("out"), GP64())
	off := Load(Param("off"), GP64())
	var xs [numInputs / block]VecVirtual
	for i := range xs {
		xs[i] = YMM()
		VMOVDQU(Mem{Base: x, Disp: 32 * i}, xs[i])
	}
	sum, t, t2 := YMM(), YMM(), YMM()
	for k := range numSets {
		p := GP64()
		MOVL(Mem{Base: off, Disp: 4 * k}, p.As32())
		for i := range xs {
			r := sum
			if i > 0 {
				r = []VecVirtual{t, t2}[i&1]
			}
			VMOVDQU(Mem{Base: w, Index: p, Scale: 4, Disp: 32 * i}, r)
			VPSRAD(Imm(8), r, r)
			VPMULLD(xs[i], r, r)
			if i > 0 {
				VPADDD(r, sum, sum)
			}
		}
		lo, hi := sum.AsX(), t.AsX()
		VEXTRACTI128(Imm(1), sum, hi)
		VPADDD(hi, lo, lo)
		VPSHUFD(Imm(0x4e), lo, hi)
		VPADDD(hi, lo, lo)
		VPSHUFD(Imm(0xb1), lo, hi)
		VPADDD(hi, lo, lo)
		VMOVD(lo, Mem{Base: out, Disp: 4 * k})
	}
	VZEROUPPER()
	RET()

	TEXT("trainsAVX2", NOSPLIT, "func(w, x, e *int32, off *uint32)")
	Pragma("noescape")
	Doc("trainsAVX2 adds (x[i]*e[k] + 512) >> 10 to w[off[k]+i], clamped to ±weightMax,",
		"for the numSets weight vectors at off.")
	w = Load(Param("w"), GP64())
	x = Load(Param("x"), GP64())
	e := Load(Param("e"), GP64())
	off = Load(Param("off"), GP64())
	for i := range xs {
		VMOVDQU(Mem{Base: x, Disp: 32 * i}, xs[i])
	}
	half, top, low := YMM(), YMM(), YMM()
	for _, c := range []struct {
		v int32
		r VecVirtual
	}{{512, half}, {weightMax, top}, {-weightMax, low}} {
		g := GP32()
		MOVL(U32(uint32(c.v)), g)
		VMOVD(g, c.r.AsX())
		VPBROADCASTD(c.r.AsX(), c.r)
	}
	ev := YMM()
	for k := range numSets {
		p := GP64()
		MOVL(Mem{Base: off, Disp: 4 * k}, p.As32())
		VPBROADCASTD(Mem{Base: e, Disp: 4 * k}, ev)
		for i := range xs {
			m := Mem{Base: w, Index: p, Scale: 4, Disp: 32 * i}
			r := []VecVirtual{t, t2}[i&1]
			VPMULLD(xs[i], ev, r)
			VPADDD(half, r, r)
			VPSRAD(Imm(10), r, r)
			VPADDD(m, r, r)
			VPMINSD(top, r, r)
			VPMAXSD(low, r, r)
			VMOVDQU(r, m)
		}
	}
	VZEROUPPER()
	RET()

	TEXT("prefetchAVX2", NOSPLIT, "func(buckets *uint8, at *uint32)")
	Pragma("noescape")
	Doc("prefetchAVX2 brings the 64-byte buckets at[i] into the first-level cache.")
	b := Load(Param("buckets"), GP64())
	at := Load(Param("at"), GP64())
	for i := range numCtx {
		g := GP64()
		MOVL(Mem{Base: at, Disp: 4 * i}, g.As32())
		SHLQ(Imm(6), g)
		PREFETCHT0(Mem{Base: b, Index: g, Scale: 1})
	}
	RET()

	Generate()
}
