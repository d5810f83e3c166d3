package cpu

import "unsafe"

// cacheLine is the alignment of buffers that kernels read: the widest vector.
const cacheLine = 64

func aligned[T any](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	b := make([]T, n+cacheLine/size)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (cacheLine - 1)
	return b[skip/size : skip/size+n : skip/size+n]
}

// memory counts what a program takes. A dry one only counts.
type memory struct {
	dry   bool
	bytes int64
}

// alloc returns n zeroed, aligned elements; nil from dry memory.
func alloc[T any](m *memory, n int) []T {
	m.bytes += int64(n)*int64(unsafe.Sizeof(*new(T))) + cacheLine
	if m.dry {
		return nil
	}
	return aligned[T](n)
}

// int8s returns the memory of f as bytes.
func int8s(f []float32) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(f))), 4*len(f))
}

func pad(n, to int) int { return (n + to - 1) / to * to }
