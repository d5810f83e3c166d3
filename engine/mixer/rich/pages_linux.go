package rich

import (
	"syscall"
	"unsafe"
)

// hugePages asks for large pages for the table, where the system gives them on request:
// nearly every look-up is in another page. It is only a hint.
func (t *table) hugePages() {
	const large = 2 << 20
	size := len(t.buckets) * int(unsafe.Sizeof(bucket{}))
	if size >= 4*large {
		b := unsafe.Slice((*byte)(unsafe.Pointer(&t.buckets[0])), size)
		_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
	}
}
