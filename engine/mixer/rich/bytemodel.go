package rich

// byteSums are the sums of a model's frequencies over the nodes of the byte's
// binary tree.
type byteSums struct {
	tree  [256]uint32 // tree[1] is the sum of all, tree[2n], tree[2n+1] the halves of tree[n]
	freqs *[256]uint32
}

// fill takes the frequencies of the next byte, each at least 1.
func (s *byteSums) fill(freqs []uint32) {
	f := (*[256]uint32)(freqs)
	s.freqs = f
	for i := 0; i < 256; i += 2 {
		s.tree[128+i/2] = f[i] + f[i+1]
	}
	for i := 127; i > 0; i-- {
		s.tree[i] = s.tree[2*i] + s.tree[2*i+1]
	}
}

// one implements byteModel.
func (s *byteSums) one(c0 uint32) (uint32, bool) {
	c0 &= 255
	if c0 < 128 {
		return ratio16(s.tree[2*c0+1], s.tree[c0]), false
	}
	return ratio16(s.freqs[2*c0+1-256], s.tree[c0]), false
}

// ratio16 returns part/all in 1/65536, rounded, between 1 and 65535.
func ratio16(part, all uint32) uint32 {
	p := (uint64(part)<<16 + uint64(all)/2) / uint64(all)
	return uint32(min(max(p, 1), 65535))
}
