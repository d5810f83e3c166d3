package ggml

import "fmt"

// Type is the element type of a tensor. The values are ggml's, as GGUF files
// store them.
type Type uint32

// The element types this package knows.
const (
	F32  Type = 0
	F16  Type = 1
	Q8_0 Type = 8 // blocks of 32: a float16 scale and 32 int8
	I8   Type = 24
	I16  Type = 25
	I32  Type = 26
	I64  Type = 27
	F64  Type = 28
	BF16 Type = 30
)

// MX8 is the type of block-scaled int8 activations: groups of 32 elements share a
// power of two (NUMERICS.md, numerics 2). It is never in files.
const MX8 Type = 1 << 16

type typeTraits struct {
	name  string
	block int // elements in a block
	size  int // bytes of a block
}

var traits = map[Type]typeTraits{
	F32:  {"F32", 1, 4},
	F16:  {"F16", 1, 2},
	Q8_0: {"Q8_0", QK8_0, 2 + QK8_0},
	I8:   {"I8", 1, 1},
	I16:  {"I16", 1, 2},
	I32:  {"I32", 1, 4},
	I64:  {"I64", 1, 8},
	F64:  {"F64", 1, 8},
	BF16: {"BF16", 1, 2},
}

// Known reports whether t is one of the types above.
func (t Type) Known() bool { _, ok := traits[t]; return ok }

// String returns ggml's name of the type.
func (t Type) String() string {
	if tr, ok := traits[t]; ok {
		return tr.name
	}
	if t == MX8 {
		return "MX8"
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// BlockSize returns the number of elements that are stored together: 1, or 32
// for Q8_0. It is 0 for an unknown type.
func (t Type) BlockSize() int { return traits[t].block }

// BlockBytes returns the size of a block in bytes, 0 for an unknown type.
func (t Type) BlockBytes() int { return traits[t].size }
