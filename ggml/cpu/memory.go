package cpu

import "unsafe"

// cacheLine is the size of a cache line, and of the widest vector.
const cacheLine = 64

// apart keeps what threads write to on lines of its own, and on other pairs of lines than
// its neighbours, as processors fetch them by two: programs of blocks side by side otherwise
// share some, by chance, and slow each other down.
const apart = 2 * cacheLine

// aligned returns n elements that begin at a multiple of apart and have as much behind
// them.
func aligned[T any](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	b := make([]T, n+2*apart/size)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (apart - 1)
	return b[skip/size : skip/size+n : skip/size+n]
}

// memory counts what a program takes. A dry one only counts.
type memory struct {
	dry   bool
	bytes int64
}

// alloc returns n zeroed, aligned elements; nil from dry memory.
func alloc[T any](m *memory, n int) []T {
	m.bytes += int64(n)*int64(unsafe.Sizeof(*new(T))) + 2*apart
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
