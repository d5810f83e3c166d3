//go:build amd64 || arm64

package busguard

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is what the handler writes to standard error.
const message = "\nllmz: a file that llmz has in use was cut off by another program: a library of llama.cpp, or llmz itself\n" +
	"llmz: hint: \"llmz runtime status\" says whether the libraries are whole\n"

// code is kept for the handler, which may run at any time.
var code []byte

// sigaction is what the system takes, on both architectures.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// Install sets the handler. It is in machine code, since the runtime's own state may be
// anything by then: on a thread of llama.cpp there is none. Where the system forbids
// new code, everything stays as it is.
func Install() {
	if code != nil {
		return
	}
	text := append(handler(len(message)), message...)
	page, err := unix.Mmap(-1, 0, len(text), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return
	}
	copy(page, text)
	if unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC) != nil {
		_ = unix.Munmap(page)
		return
	}
	code = page
	const onStack, hasRestorer = 0x08000000, 0x04000000
	at := uintptr(unsafe.Pointer(&page[0]))
	// It does not return, but there has to be something to return to.
	a := sigaction{handler: at, flags: onStack | hasRestorer, restorer: at}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGBUS), uintptr(unsafe.Pointer(&a)), 0, unsafe.Sizeof(a.mask), 0, 0)
}

// words encodes 32-bit words.
func words(list ...uint32) (b []byte) {
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
