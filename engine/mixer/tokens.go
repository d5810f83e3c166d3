package mixer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/llmz/llmz/engine/mixer/cm"
)

// Token models. A model's frequencies are of tokens, not bytes. With the tokens
// sorted by their bytes, those that begin with given bytes are one range, so
// prefix sums of the frequencies give the model's probability of each next bit,
// and of "the token ends here". Both are mixed with what the block's contexts and
// matches say, and coded bit by bit.

// Vocabulary is the tokens of a model, sorted by their bytes. It does not change
// and may be shared.
type Vocabulary struct {
	text [][]byte // in order of bytes
	id   []int32  // of each
	rank []int32  // of each id
}

// ErrVocabulary is wrapped by the errors of NewVocabulary.
var ErrVocabulary = errors.New("invalid vocabulary")

// NewVocabulary sorts the n tokens whose bytes tokenBytes gives. Several tokens may
// have the same bytes, or none.
func NewVocabulary(n int, tokenBytes func(id int32) []byte) (*Vocabulary, error) {
	if n < 1 || n > 1<<24 {
		return nil, fmt.Errorf("%w: %d tokens", ErrVocabulary, n)
	}
	v := &Vocabulary{text: make([][]byte, n), id: make([]int32, n), rank: make([]int32, n)}
	for i := range v.id {
		v.id[i] = int32(i)
	}
	slices.SortFunc(v.id, func(a, b int32) int {
		return cmp.Or(bytes.Compare(tokenBytes(a), tokenBytes(b)), cmp.Compare(a, b))
	})
	for r, id := range v.id {
		v.text[r] = tokenBytes(id)
		v.rank[id] = int32(r)
	}
	return v, nil
}

// tokenSums is the model's prediction of a lane's next token, and the range of
// tokens that are still possible.
type tokenSums struct {
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

// prepare sums up the frequencies of a lane's next token, each at least 1.
func (s *tokenSums) prepare(lane int, freqs []uint32) {
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
func (s *tokenSums) take(lane int, freqs []uint32) {
	if !s.ready[lane] {
		s.prepare(lane, freqs)
	}
	s.ready[lane] = false
	s.below = s.prepared[lane]
	s.lo, s.hi, s.depth = 0, len(s.v.id), 0
}

// sum returns the frequencies of the ranks from lo up to hi.
func (s *tokenSums) sum(lo, hi int) uint32 { return s.below[hi] - s.below[lo] }

// One implements byteModel. It is called once for each bit, in order, with ranges
// that are not empty.
func (s *tokenSums) One(c0 uint32) (uint32, bool) {
	if c0 == 1 {
		s.bitLo, s.bitHi = s.lo, s.hi
	} else {
		s.choose(c0 & 1)
	}
	// The tokens with a one have at least this byte:
	shift := 8 - ilog(c0)
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

// choose takes the bit that followed the last call of One.
func (s *tokenSums) choose(bit uint32) {
	if bit == 1 {
		s.bitLo = s.split
	} else {
		s.bitHi = s.split
	}
}

// next narrows the range to the tokens that go on with byte b.
func (s *tokenSums) next(b byte) {
	s.choose(uint32(b) & 1)
	s.lo, s.hi = s.bitLo, s.bitHi
	s.depth++
}

// ended returns the end of the tokens in the range that have no more bytes; they
// are its first ones.
func (s *tokenSums) ended() int {
	r := s.lo
	for r < s.hi && len(s.v.text[r]) == s.depth {
		r++
	}
	return r
}

// NewTokens prepares to code a block with a model of tokens. laneBytes are the
// numbers of bytes of the lanes; they are coded with c: a decoder gives nil.
func NewTokens(cfg Config, v *Vocabulary, c BitCoder, laneBytes []int) (*Mixer, error) {
	if laneBytes != nil && len(laneBytes) != cfg.Lanes {
		return nil, fmt.Errorf("%w: bytes of %d lanes, not %d", ErrConfig, len(laneBytes), cfg.Lanes)
	}
	cfg.Model = true
	x, err := New(cfg)
	if err != nil {
		return nil, err
	}
	x.ends = make([]uint64, cfg.BlockLen/64+1)
	x.tokens = tokenSums{v: v, prepared: make([][]uint32, cfg.Lanes), ready: make([]bool, cfg.Lanes)}
	at := 0
	for i := range cfg.Lanes {
		size := cfg.BlockLen - at // the rest, for the last lane
		if i < cfg.Lanes-1 {
			var n int
			if laneBytes != nil {
				n = laneBytes[i]
			}
			size = min(codeUint(c, n), size)
		}
		x.startLane(i, at, at+size)
		at += size
	}
	return x, nil
}

// codeUint codes a number below 2^31 in 31 bits.
func codeUint(c BitCoder, n int) int {
	v := 0
	for i := 30; i >= 0; i-- {
		v = v<<1 | c.Bit(32768, n>>i&1)
	}
	return v
}

// PrepareToken does what can be done ahead for the next CodeToken of a lane, which
// then gets the same freqs. It may run at the same time as calls for other lanes.
func (x *Mixer) PrepareToken(lane int, freqs []uint32) { x.tokens.prepare(lane, freqs) }

// CodeToken codes the next token of a lane: it encodes id, or ignores it and
// decodes, and returns the token. freqs are the model's frequencies of the tokens,
// each at least 1, with a sum below 2^32.
func (x *Mixer) CodeToken(c BitCoder, lane int, freqs []uint32, total uint32, id int32) int32 {
	l := &x.lanes[lane]
	s := &x.tokens
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
				ends = x.codeEnd(c, l, cm.Ratio16(s.sum(s.lo, e), s.sum(s.lo, s.hi)), bit)
			}
			if ends == 1 {
				r := s.codeRank(c, s.lo, e, rank)
				x.markEnd(l)
				return s.v.id[r]
			}
			s.lo = e
		}
		var b byte
		if s.depth < len(text) {
			b = text[s.depth]
		}
		s.next(x.codeByte(c, l, s, b))
	}
}

// codeRank codes which of the tokens from lo up to hi, all of the same bytes, it is.
func (s *tokenSums) codeRank(c BitCoder, lo, hi, rank int) int {
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

// codeEnd codes whether the lane's token ends here.
func (x *Mixer) codeEnd(c BitCoder, l *lane, pm uint32, bit int) int {
	l.group = groupEnd
	x.hashSlots(l, 1<<20)
	x.findSlots(l)
	p := x.predict(l, modeEnd, pm)
	bit = c.Bit(p, bit)
	x.update(l, modeEnd, uint32(bit))
	l.group = 0
	x.hashSlots(l, 0)
	return bit
}

// markEnd notes that a token ends before the lane's next byte.
func (x *Mixer) markEnd(l *lane) {
	if l.pos < len(x.hist) {
		x.ends[l.pos/64] |= 1 << (l.pos % 64)
	}
}

// endAt returns 1 if a token ended before the byte at position p.
func (x *Mixer) endAt(p uint32) uint32 {
	if i := int(p / 64); i < len(x.ends) {
		return uint32(x.ends[i]>>(p%64)) & 1
	}
	return 0
}
