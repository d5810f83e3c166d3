package ggml

import "unsafe"

// cacheLine is the alignment of buffers that kernels read: the widest vector.
const cacheLine = 64

func aligned[T any](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	b := make([]T, n+cacheLine/size)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (cacheLine - 1)
	return b[skip/size : skip/size+n : skip/size+n]
}

func alignedInt8s(n int) []int8 { return aligned[int8](n) }
