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
)

func main() {
	ConstraintExpr("amd64,!noasm")
	dots("dotsAVX2", YMM, 8)
	dots("dotsAVX512", ZMM, 16)
	trains("trainsAVX2", YMM, 8)
	trains("trainsAVX512", ZMM, 16)
	prefetch()
	Generate()
}

// dots writes the products of inputs and weights; register makes registers of lanes int32.
func dots(name string, register func() VecVirtual, lanes int) {
	TEXT(name, NOSPLIT, "func(w, x, out *int32, off *uint32)")
	Pragma("noescape")
	Doc(name+" computes out[k] = sum over i of (w[off[k]+i]>>16)*(x[i]>>16) with int32 wrap-around,",
		"for the numSets weight vectors at off and the numInputs inputs x, whose lower halves are 0.")
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	move := mover(lanes)
	out := Load(Param("out"), GP64())
	off := Load(Param("off"), GP64())
	for k := range numSets {
		p := GP64()
		MOVL(Mem{Base: off, Disp: 4 * k}, p.As32())
		var sum [4]VecVirtual
		for i := range numInputs / lanes {
			t := register()
			move(Mem{Base: x, Disp: 4 * lanes * i}, t)
			VPMADDWD(Mem{Base: w, Index: p, Scale: 4, Disp: 4 * lanes * i}, t, t)
			if i < len(sum) {
				sum[i] = t
				continue
			}
			VPADDD(t, sum[i%len(sum)], sum[i%len(sum)])
		}
		VPADDD(sum[1], sum[0], sum[0])
		VPADDD(sum[3], sum[2], sum[2])
		VPADDD(sum[2], sum[0], sum[0])
		if lanes == 16 {
			VEXTRACTI64X4(Imm(1), sum[0], sum[1].AsY())
			VPADDD(sum[1].AsY(), sum[0].AsY(), sum[0].AsY())
		}
		lo, hi := sum[0].AsX(), sum[1].AsX()
		VEXTRACTI128(Imm(1), sum[0].AsY(), hi)
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

// trains writes the training of weights; register makes registers of lanes int32.
func trains(name string, register func() VecVirtual, lanes int) {
	TEXT(name, NOSPLIT, "func(w, x, e *int32, off *uint32)")
	Pragma("noescape")
	Doc(name+" adds ((x[i]>>16)*e[k] + 2) >> 2 to w[off[k]+i], clamped to ±weightMax,",
		"for the numSets weight vectors at off.")
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	e := Load(Param("e"), GP64())
	move := mover(lanes)
	off := Load(Param("off"), GP64())
	half, top, low := register(), register(), register()
	for _, c := range []struct {
		v int32
		r VecVirtual
	}{{2, half}, {weightMax, top}, {-weightMax, low}} {
		g := GP32()
		MOVL(U32(uint32(c.v)), g)
		VMOVD(g, c.r.AsX())
		VPBROADCASTD(c.r.AsX(), c.r)
	}
	ev := register()
	for k := range numSets {
		p := GP64()
		MOVL(Mem{Base: off, Disp: 4 * k}, p.As32())
		VPBROADCASTD(Mem{Base: e, Disp: 4 * k}, ev)
		VPSLLD(Imm(16), ev, ev)
		for i := range numInputs / lanes {
			m := Mem{Base: w, Index: p, Scale: 4, Disp: 4 * lanes * i}
			r := register()
			VPMADDWD(Mem{Base: x, Disp: 4 * lanes * i}, ev, r)
			VPADDD(half, r, r)
			VPSRAD(Imm(2), r, r)
			VPADDD(m, r, r)
			VPMINSD(top, r, r)
			VPMAXSD(low, r, r)
			move(r, m)
		}
	}
	VZEROUPPER()
	RET()
}

// mover returns the instruction that moves registers of lanes int32.
func mover(lanes int) func(from, to Op) {
	if lanes == 16 {
		return func(from, to Op) { VMOVDQU32(from, to) }
	}
	return func(from, to Op) { VMOVDQU(from, to) }
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
