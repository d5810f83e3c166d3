package busguard

import "slices"

// handler returns code that writes what follows it, of n bytes, to standard error, and
// exits with 1.
func handler(n int) []byte {
	return slices.Concat(
		[]byte{0xbf}, words(2), // mov edi, 2
		[]byte{0x48, 0x8d, 0x35}, words(24), // lea rsi, [rip+24]: behind the code
		[]byte{0xba}, words(uint32(n)), // mov edx, n
		[]byte{0xb8}, words(1), // mov eax, SYS_write
		[]byte{0x0f, 0x05},     // syscall
		[]byte{0xbf}, words(1), // mov edi, 1
		[]byte{0xb8}, words(231), // mov eax, SYS_exit_group
		[]byte{0x0f, 0x05}, // syscall
	)
}
