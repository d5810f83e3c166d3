package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

func labelRef(s string) LabelRef { return LabelRef(s) }

// vpdpbusd adds to each int32 of acc the products of 4 unsigned bytes of w and 4
// signed bytes of a, which is a register, or 4 bytes in memory for all elements.
// avo 0.5 does not know the instruction; the Go assembler does.
func vpdpbusd(a Op, w, acc reg.Register) {
	i := &ir.Instruction{
		Opcode:   "VPDPBUSD",
		Operands: []Op{a, w, acc},
		Inputs:   []Op{a, w, acc},
		Outputs:  []Op{acc},
		ISA:      []string{"AVX512_VNNI"},
	}
	if IsMem(a) {
		i.Suffixes = []string{"BCST"}
	}
	Instruction(i)
}

// vpdpbusdVEX is the AVX-VNNI form of vpdpbusd for ymm registers, which the Go
// assembler does not know: VEX.256.66.0F38.W0 50 /r.
func vpdpbusdVEX(a, w, acc int) {
	for _, b := range []byte{
		0xc4,
		0x42 | byte(^acc>>3&1)<<7 | byte(^a>>3&1)<<5,
		byte(^w&15)<<3 | 0x05,
		0x50,
		0xc0 | byte(acc&7)<<3 | byte(a&7),
	} {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{U8(b)}})
	}
}
