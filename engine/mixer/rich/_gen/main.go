// Command _gen writes net_amd64.s and its stubs: the products of the mixing network
// (net.go) with AVX2.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// As in net.go.
const (
	numInputs = 192
	numSets   = 11
	weightMax = 1<<30 - 1
	block     = 8 // int32 per 256-bit register
	group     = 8 // registers of inputs held at a time
)

func main() {
	ConstraintExpr("amd64,!noasm")
	dots()
	trains()
	prefetch()
	Generate()
}

func dots() {
	TEXT("dotsAVX2", NOSPLIT, "func(w, x, out *int32, off *uint32)")
	Pragma("noescape")
	Doc("dotsAVX2 computes out[k] = sum over i of (w[off[k]+i]>>16)*(x[i]>>16) with int32 wrap-around,",
		"for the numSets weight vectors at off and the numInputs inputs x, whose lower halves are 0.")
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	out := Load(Param("out"), GP64())
	off := Load(Param("off"), GP64())
	for k := range numSets {
		p := GP64()
		MOVL(Mem{Base: off, Disp: 4 * k}, p.As32())
		var sum [4]VecVirtual
		for i := range numInputs / block {
			t := YMM()
			VMOVDQU(Mem{Base: x, Disp: 32 * i}, t)
			if i < len(sum) {
				sum[i] = t
				VPMADDWD(Mem{Base: w, Index: p, Scale: 4, Disp: 32 * i}, t, t)
				continue
			}
			VPMADDWD(Mem{Base: w, Index: p, Scale: 4, Disp: 32 * i}, t, t)
			VPADDD(t, sum[i%len(sum)], sum[i%len(sum)])
		}
		VPADDD(sum[1], sum[0], sum[0])
		VPADDD(sum[3], sum[2], sum[2])
		VPADDD(sum[2], sum[0], sum[0])
		lo, hi := sum[0].AsX(), sum[1].AsX()
		VEXTRACTI128(Imm(1), sum[0], hi)
		VPADDD(hi, lo, lo)
		VPSHUFD(Imm(0x4e), lo, hi)
		VPADDD(hi, lo, lo)
		VPSHUFD(Imm(0xb1), lo, hi)
		VPADDD(hi, lo, lo)
		VMOVD(lo, Mem{Base: out, Disp: 4 * k})
	}
	VZEROUPPER()
	RET()
}

func trains() {
	TEXT("trainsAVX2", NOSPLIT, "func(w, x, e *int32, off *uint32)")
	Pragma("noescape")
	Doc("trainsAVX2 adds ((x[i]>>16)*e[k] + 2) >> 2 to w[off[k]+i], clamped to ±weightMax,",
		"for the numSets weight vectors at off.")
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	e := Load(Param("e"), GP64())
	off := Load(Param("off"), GP64())
	half, top, low := YMM(), YMM(), YMM()
	for _, c := range []struct {
		v int32
		r VecVirtual
	}{{2, half}, {weightMax, top}, {-weightMax, low}} {
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
		VPSLLD(Imm(16), ev, ev)
		for i := range numInputs / block {
			m := Mem{Base: w, Index: p, Scale: 4, Disp: 32 * i}
			r := YMM()
			VPMADDWD(Mem{Base: x, Disp: 32 * i}, ev, r)
			VPADDD(half, r, r)
			VPSRAD(Imm(2), r, r)
			VPADDD(m, r, r)
			VPMINSD(top, r, r)
			VPMAXSD(low, r, r)
			VMOVDQU(r, m)
		}
	}
	VZEROUPPER()
	RET()
}

func prefetch() {
	TEXT("prefetchAVX2", NOSPLIT, "func(buckets *uint8, at *uint32, n int)")
	Pragma("noescape")
	Doc("prefetchAVX2 brings the 64-byte buckets at[:n] into the first-level cache.")
	b := Load(Param("buckets"), GP64())
	at := Load(Param("at"), GP64())
	n := Load(Param("n"), GP64())
	TESTQ(n, n)
	JZ(LabelRef("done"))
	Label("next")
	g := GP64()
	MOVL(Mem{Base: at}, g.As32())
	SHLQ(Imm(6), g)
	PREFETCHT0(Mem{Base: b, Index: g, Scale: 1})
	ADDQ(Imm(4), at)
	DECQ(n)
	JNZ(LabelRef("next"))
	Label("done")
	RET()
}
