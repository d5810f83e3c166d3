package cm

// Phi is 2^64 divided by the golden ratio: its multiples are spread well.
const Phi = 0x9e3779b97f4a7c15

// Hash combines two values into a well-spread hash.
func Hash(a, b uint64) uint64 {
	h := (a + Phi) * 0xd6e8feb86659fd93
	h ^= h >> 32
	h = (h + b) * 0xcaf649a9f5d1c3e5
	return h ^ h>>29
}
