package archive

import (
	"crypto/sha256"
	"hash"
)

// A Digest is the SHA-256 of the content of a block.
type Digest [sha256.Size]byte

// A Summer works out the sum that an index has of a member's content: the SHA-256 of
// the digests of its blocks, one after the other, so that the sum of an archive follows from
// its parts; or, in members of older programs, the SHA-256 of the content itself.
type Summer struct {
	digests bool
	sum     hash.Hash
	block   hash.Hash // of the current block, where digests are asked for
	kept    []Digest
	part    bool
}

// NewSummer returns a Summer for a member with header h.
func NewSummer(h *Header) *Summer {
	return &Summer{digests: h.Digests, sum: sha256.New(), block: sha256.New(), part: h.Part != nil}
}

// Write takes the next bytes of content. It never fails.
func (s *Summer) Write(p []byte) (int, error) {
	if s.digests {
		return s.block.Write(p)
	}
	return s.sum.Write(p)
}

// EndBlock ends a block.
func (s *Summer) EndBlock() {
	if !s.digests {
		return
	}
	var d Digest
	s.block.Sum(d[:0])
	s.block.Reset()
	s.Add(d)
}

// Add takes a block whose digest is known.
func (s *Summer) Add(d Digest) {
	s.sum.Write(d[:])
	if s.part {
		s.kept = append(s.kept, d)
	}
}

// Sum returns the sum, and the digests of a part's blocks.
func (s *Summer) Sum() (sum [sha256.Size]byte, digests []Digest) {
	s.sum.Sum(sum[:0])
	return sum, s.kept
}
