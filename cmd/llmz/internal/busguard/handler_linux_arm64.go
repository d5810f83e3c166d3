package busguard

// handler returns code that writes what follows it, of n bytes, to standard error, and
// exits with 1.
func handler(n int) []byte {
	movz := func(register, value uint32) uint32 { return 0xd2800000 | value<<5 | register }
	const svc = 0xd4000001
	return words(
		movz(0, 2),
		0x10000000|7<<5|1, // adr x1, 28 bytes on: behind the code
		movz(2, uint32(n)),
		movz(8, 64), // write
		svc,
		movz(0, 1),
		movz(8, 94), // exit_group
		svc,
	)
}
