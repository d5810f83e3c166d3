// Command _gen writes the assembly of the amd64 kernels.
//
// Usage (from the kernel directory): go generate
package main

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	isa := flag.String("isa", "", "avx512vnni, avx2 or avxvnni")
	// The flags -out, -stubs and -pkg are avo's.
	flag.Parse()
	ConstraintExpr("amd64,!noasm")
	switch *isa {
	case "avx512vnni":
		for _, lanes := range []int{16, 8, 4, 2, 1} {
			vnniMatMul(lanes)
		}
		for _, lanes := range []int{12, 8, 4, 2, 1} {
			vnniMatMulMX(lanes)
		}
		elementwise(512)
		peakVNNI()
	case "avx2":
		for _, lanes := range []int{4, 2, 1} {
			avx2MatMul(lanes)
			avx2MatMulMX(lanes)
		}
		elementwise(256)
		sums()
		peakAVX2()
	case "avxvnni":
		for _, lanes := range []int{6, 4, 2, 1} {
			vnni256MatMul(lanes, true)
			vnni256MatMul(lanes, false)
			vnni256MatMulMX(lanes, true)
			vnni256MatMulMX(lanes, false)
		}
	default:
		fmt.Fprintf(os.Stderr, "unknown -isa %q\n", *isa)
		os.Exit(2)
	}
	Generate()
}

// matMulArgs are the arguments of all MatMul functions, loaded into registers.
type matMulArgs struct {
	acc, w, a, sums, panels, blocks, laneBytes, accBytes reg.Register
}

// matMul begins a function that multiplies panels, one after the other, with a
// fixed number of lanes. body does one panel: it reads w on (and moves it to the
// next panel) and stores to acc; aPtr and n are fresh copies of a and blocks.
func matMul(name, doc string, body func(m matMulArgs, aPtr, n reg.Register)) {
	TEXT(name, NOSPLIT, "func(acc *int32, w, a *int8, sums *int32, panels, blocks, laneBytes, accBytes uintptr)")
	Doc(doc,
		"w: panels of [blocks][4][16 rows][4] bytes; a: [blocks] of 16-byte columns of each lane, laneBytes apart;",
		"acc: [lane][16] int32 of each panel, accBytes apart; sums: activation sums by lane, where needed.")
	Pragma("noescape")
	m := matMulArgs{
		acc:       Load(Param("acc"), GP64()),
		w:         Load(Param("w"), GP64()),
		a:         Load(Param("a"), GP64()),
		sums:      Load(Param("sums"), GP64()),
		panels:    Load(Param("panels"), GP64()),
		blocks:    Load(Param("blocks"), GP64()),
		laneBytes: Load(Param("laneBytes"), GP64()),
		accBytes:  Load(Param("accBytes"), GP64()),
	}
	Label("panel")
	aPtr, n := GP64(), GP64()
	MOVQ(m.a, aPtr)
	MOVQ(m.blocks, n)
	body(m, aPtr, n)
	ADDQ(m.accBytes, m.acc)
	DECQ(m.panels)
	JNZ(labelRef("panel"))
	VZEROUPPER()
	RET()
}
