// Command _gen writes net_amd64.s and its stubs: the products of the mixing network
// (net.go) with AVX2.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// As in net.go.
const (
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
	prefetchVectors()
	Generate()
}

// dots writes the products of inputs and weights; register makes registers of lanes int32.
func dots(name string, register func() VecVirtual, lanes int) {
	TEXT(name, NOSPLIT, "func(w, x, out *int32, off *uint32, n int)")
	Pragma("noescape")
	Doc(name+" computes out[k] = sum over i < n of (w[off[k]+i]>>16)*(x[i]>>16) with int32 wrap-around,",
		"for the numSets weight vectors at off and the inputs x, whose lower halves are 0; n is a multiple of 16, at least 16.")
	w := vectors()
	x := Load(Param("x"), GP64())
	move := mover(lanes)
	n := Load(Param("n"), GP64())
	var sum [numSets]VecVirtual
	for k := range sum {
		sum[k] = register()
		VPXOR(sum[k].AsY(), sum[k].AsY(), sum[k].AsY())
	}
	in, t := register(), register()
	i := GP64()
	XORQ(i, i)
	Label("chunk")
	move(Mem{Base: x, Index: i, Scale: 4}, in)
	for k := range sum {
		VPMADDWD(Mem{Base: w[k], Index: i, Scale: 4}, in, t)
		VPADDD(t, sum[k], sum[k])
	}
	ADDQ(Imm(uint64(lanes)), i)
	CMPQ(i, n)
	JB(LabelRef("chunk"))
	out := Load(Param("out"), GP64())
	for k, s := range sum {
		lo, hi := s.AsX(), t.AsX()
		if lanes == 16 {
			VEXTRACTI64X4(Imm(1), s, t.AsY())
			VPADDD(t.AsY(), s.AsY(), s.AsY())
		}
		VEXTRACTI128(Imm(1), s.AsY(), hi)
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

// vectors returns where the weight vectors are.
func vectors() (at [numSets]GPVirtual) {
	w := Load(Param("w"), GP64())
	off := Load(Param("off"), GP64())
	for k := range at {
		at[k] = GP64()
		MOVL(Mem{Base: off, Disp: 4 * k}, at[k].As32())
		LEAQ(Mem{Base: w, Index: at[k], Scale: 4}, at[k])
	}
	return at
}

// trains writes the training of weights; register makes registers of lanes int32.
func trains(name string, register func() VecVirtual, lanes int) {
	TEXT(name, NOSPLIT, "func(w, x, e *int32, off *uint32, n int)")
	Pragma("noescape")
	Doc(name+" adds ((x[i]>>16)*e[k] + 2) >> 2 to w[off[k]+i] for i < n, clamped to ±weightMax,",
		"for the numSets weight vectors at off; n is a multiple of 16, at least 16.")
	w := Load(Param("w"), GP64())
	x := Load(Param("x"), GP64())
	e := Load(Param("e"), GP64())
	n := Load(Param("n"), GP64())
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
		LEAQ(Mem{Base: w, Index: p, Scale: 4}, p)
		VPBROADCASTD(Mem{Base: e, Disp: 4 * k}, ev)
		VPSLLD(Imm(16), ev, ev)
		i := GP64()
		XORQ(i, i)
		next := fmt.Sprintf("set%d", k)
		Label(next)
		for j := range 16 / lanes {
			m := Mem{Base: p, Index: i, Scale: 4, Disp: 4 * lanes * j}
			r := register()
			VPMADDWD(Mem{Base: x, Index: i, Scale: 4, Disp: 4 * lanes * j}, ev, r)
			VPADDD(half, r, r)
			VPSRAD(Imm(2), r, r)
			VPADDD(m, r, r)
			VPMINSD(top, r, r)
			VPMAXSD(low, r, r)
			move(r, m)
		}
		ADDQ(Imm(16), i)
		CMPQ(i, n)
		JB(LabelRef(next))
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

func prefetchVectors() {
	TEXT("prefetchVectorsAVX2", NOSPLIT, "func(w *int32, off *uint32, n int)")
	Pragma("noescape")
	Doc("prefetchVectorsAVX2 brings the first n elements of the numSets weight vectors at off into the cache;",
		"n is a multiple of 16, at least 16.")
	at := vectors()
	n := Load(Param("n"), GP64())
	i := GP64()
	XORQ(i, i)
	Label("line")
	for _, p := range at {
		PREFETCHT0(Mem{Base: p, Index: i, Scale: 4})
	}
	ADDQ(Imm(16), i)
	CMPQ(i, n)
	JB(LabelRef("line"))
	RET()
}
