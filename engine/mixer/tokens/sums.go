package tokens

import (
	"math/bits"
	"sort"

	"github.com/llmz/llmz/engine/mixer/cm"
)

// Sums is the model's prediction of a lane's next token, and the range of tokens that are
// still possible.
type Sums struct {
	v *Vocabulary
	// prepared holds the sums of each lane's next token, nil until first needed;
	// ready tells which are up to date.
	prepared [][]uint32
	ready    []bool

	below  []uint32 // below[r] is the sum of the frequencies of ranks under r
	lo, hi int      // ranks of the tokens that begin with what has been coded
	depth  int      // bytes coded
	// The bits of the next byte: ranks bitLo to bitHi have the bits of c0 so far.
	bitLo, bitHi int
	split        int
}

// NewSums makes room for the predictions of so many lanes.
func NewSums(v *Vocabulary, lanes int) Sums {
	return Sums{v: v, prepared: make([][]uint32, lanes), ready: make([]bool, lanes)}
}

// Prepare sums up the frequencies of a lane's next token, each at least 1, ahead of the next
// Code of that lane. It may run at the same time as calls for other lanes.
func (s *Sums) Prepare(lane int, freqs []uint32) {
	if s.prepared[lane] == nil {
		s.prepared[lane] = make([]uint32, len(s.v.id)+1)
	}
	var sum uint32
	below := s.prepared[lane]
	for r, id := range s.v.id {
		below[r] = sum
		sum += freqs[id]
	}
	below[len(s.v.id)] = sum
	s.ready[lane] = true
}

// take makes a lane's prediction the current one.
func (s *Sums) take(lane int, freqs []uint32) {
	if !s.ready[lane] {
		s.Prepare(lane, freqs)
	}
	s.ready[lane] = false
	s.below = s.prepared[lane]
	s.lo, s.hi, s.depth = 0, len(s.v.id), 0
}

// sum returns the frequencies of the ranks from lo up to hi.
func (s *Sums) sum(lo, hi int) uint32 { return s.below[hi] - s.below[lo] }

// One returns the probability, in 1/65536, of a one after the bits c0 of the token's next
// byte, which follow a leading one, and whether no other bit is possible. It is called once for
// each bit, in order.
func (s *Sums) One(c0 uint32) (uint32, bool) {
	if c0 == 1 {
		s.bitLo, s.bitHi = s.lo, s.hi
	} else {
		s.choose(c0 & 1)
	}
	// The tokens with a one have at least this byte:
	shift := 8 - bits.Len32(c0)
	least := byte((c0<<1 | 1) << shift)
	text := s.v.text[s.bitLo:s.bitHi]
	d := s.depth
	s.split = s.bitLo + sort.Search(len(text), func(i int) bool { return text[i][d] >= least })
	switch s.split {
	case s.bitLo:
		return 65535, true
	case s.bitHi:
		return 1, true
	}
	return cm.Ratio16(s.sum(s.split, s.bitHi), s.sum(s.bitLo, s.bitHi)), false
}

// Bytes writes the frequencies of the token's next byte: 0 where no token goes on with it.
func (s *Sums) Bytes(freqs *[256]uint32) {
	if s.depth == 0 {
		for b := range freqs {
			freqs[b] = s.sum(int(s.v.first[b]), int(s.v.first[b+1]))
		}
		return
	}
	*freqs = [256]uint32{}
	for r := s.lo; r < s.hi; {
		b := s.v.text[r][s.depth]
		rest := s.v.text[r:s.hi]
		n := sort.Search(len(rest), func(i int) bool { return rest[i][s.depth] > b })
		freqs[b] = s.sum(r, r+n)
		r += n
	}
}

// choose takes the bit that followed the last call of One.
func (s *Sums) choose(bit uint32) {
	if bit == 1 {
		s.bitLo = s.split
	} else {
		s.bitHi = s.split
	}
}

// next narrows the range to the tokens that go on with byte b.
func (s *Sums) next(b byte) {
	s.choose(uint32(b) & 1)
	s.lo, s.hi = s.bitLo, s.bitHi
	s.depth++
}

// ended returns the end of the tokens in the range that have no more bytes; they
// are its first ones.
func (s *Sums) ended() int {
	r := s.lo
	for r < s.hi && len(s.v.text[r]) == s.depth {
		r++
	}
	return r
}

// A Coder codes the decisions that make up a lane's token.
type Coder interface {
	// Bit codes a decision as the range coder does, with nothing mixed in.
	Bit(p1 uint32, bit int) int
	// Byte codes the token's next byte; the bits come from One, each once and in order.
	Byte(b byte) byte
	// End codes whether the token ends here; pm is the model's probability that it does.
	End(pm uint32, bit int) int
}

// Code codes the next token of a lane with c: it encodes id, or ignores it and decodes, and
// returns the token. freqs are the model's frequencies of the tokens, each at least 1, with a
// sum below 2^32: those of the last Prepare, if there was one.
func (s *Sums) Code(c Coder, lane int, freqs []uint32, id int32) int32 {
	s.take(lane, freqs)
	rank := 0
	if id >= 0 && int(id) < len(s.v.rank) {
		rank = int(s.v.rank[id])
	}
	text := s.v.text[rank]
	for {
		if e := s.ended(); e > s.lo {
			ends := 1
			if e < s.hi {
				bit := 0
				if len(text) == s.depth {
					bit = 1
				}
				ends = c.End(cm.Ratio16(s.sum(s.lo, e), s.sum(s.lo, s.hi)), bit)
			}
			if ends == 1 {
				return s.v.id[s.codeRank(c, s.lo, e, rank)]
			}
			s.lo = e
		}
		var b byte
		if s.depth < len(text) {
			b = text[s.depth]
		}
		s.next(c.Byte(b))
	}
}

// codeRank codes which of the tokens from lo up to hi, all of the same bytes, it is.
func (s *Sums) codeRank(c Coder, lo, hi, rank int) int {
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		bit := 0
		if rank >= mid {
			bit = 1
		}
		if c.Bit(cm.Ratio16(s.sum(mid, hi), s.sum(lo, hi)), bit) == 1 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
