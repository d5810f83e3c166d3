package cm

// A ByteModel is what a model says of a lane's next byte.
type ByteModel interface {
	// One returns the probability, in 1/65536, of a one after the bits c0, which follow a
	// leading one, and whether no other bit is possible. It is called once for each bit, in order.
	One(c0 uint32) (p uint32, only bool)
}

// ByteSums are the sums of a model's frequencies over the nodes of the byte's
// binary tree.
type ByteSums struct {
	tree  [256]uint32 // tree[1] is the sum of all, tree[2n], tree[2n+1] the halves of tree[n]
	Freqs *[256]uint32
}

// Fill takes the frequencies of the next byte, each at least 1.
func (s *ByteSums) Fill(freqs []uint32) {
	f := (*[256]uint32)(freqs)
	s.Freqs = f
	for i := 0; i < 256; i += 2 {
		s.tree[128+i/2] = f[i] + f[i+1]
	}
	for i := 127; i > 0; i-- {
		s.tree[i] = s.tree[2*i] + s.tree[2*i+1]
	}
}

// One returns the probability, in 1/65536, of a one after the bits c0, which follow a leading
// one. It is never certain.
func (s *ByteSums) One(c0 uint32) (uint32, bool) {
	c0 &= 255
	if c0 < 128 {
		return Ratio16(s.tree[2*c0+1], s.tree[c0]), false
	}
	return Ratio16(s.Freqs[2*c0+1-256], s.tree[c0]), false
}

// Ratio16 returns part/all in 1/65536, rounded, between 1 and 65535.
func Ratio16(part, all uint32) uint32 {
	p := (uint64(part)<<16 + uint64(all)/2) / uint64(all)
	return uint32(min(max(p, 1), 65535))
}
