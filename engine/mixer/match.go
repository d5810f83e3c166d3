package mixer

// match follows the most recent occurrence, in any lane's past, of what a lane
// has just seen, and predicts that the same byte comes next. It goes on after a
// mismatch, with less confidence, so that records with small differences are
// followed.
type match struct {
	ptr    uint32 // position in the history of the predicted byte
	length uint32 // matched bytes so far, capped; 0: nothing to follow
	misses uint32 // shift register of the last outcomes, 1 is a miss
	byte   uint32 // the predicted byte
	ok     bool   // the predicted byte agrees with the bits seen so far
	ctx    uint32 // index in the confidence table
}

const (
	matchMaxLen  = 65535
	matchBuckets = 24 // of length
)

// matchBucket quantises a match length.
func matchBucket(n uint32) uint32 {
	switch {
	case n < 16:
		return n
	case n < 32:
		return 16 + (n-16)>>2
	case n < 64:
		return 20
	case n < 256:
		return 21
	case n < 1024:
		return 22
	}
	return 23
}

// matchModel is one match finder over all lanes, for one minimal length.
type matchModel struct {
	minLen int
	heads  []uint32 // hash of the last minLen bytes -> position after them + 1
	shift  uint
	conf   [matchBuckets * 16 * 2]adaptive // [bucket][misses][first bits?]: P(prediction is right)
}

func (m *matchModel) init(minLen int, logHeads uint) {
	m.minLen = minLen
	m.heads = make([]uint32, 1<<logHeads)
	m.shift = 64 - logHeads
	for i := range m.conf {
		b := uint32(i) / 32
		m.conf[i] = newAdaptive(65535-65536/(b+3), 0)
	}
}

// find moves t to the byte after pos, looking for a new match if there is none.
// h is the hash of the last minLen bytes.
func (x *Mixer) findMatch(m *matchModel, t *match, l *lane, h uint64) {
	c := l.c8 & 0xff
	if t.length > 0 {
		if uint64(t.byte) == c {
			t.length = min(t.length+1, matchMaxLen)
			t.misses <<= 1
			t.ptr++
		} else {
			t.misses = t.misses<<1 | 1
			t.ptr++
			t.length = 0
		}
	}
	head := &m.heads[h>>m.shift]
	if t.length == 0 || t.misses&0xff != 0 && t.length < 16 {
		if p := *head; p > 0 && l.pos-l.start >= m.minLen {
			// verify
			n := uint32(0)
			q, at := int(p), l.pos
			for n < 40 && q > 0 && at > l.start && x.hist[q-1] == x.hist[at-1] {
				n++
				q--
				at--
			}
			if n >= uint32(m.minLen) && n > t.length {
				t.ptr = p
				t.length = n
				t.misses = 0
			}
		}
	}
	*head = uint32(l.pos)
	if t.length > 0 || t.misses&0xf != 0 && t.misses&0xff != 0xff {
		if !x.written(t.ptr) {
			t.length, t.misses = 0, 0xffff
		}
	}
	if t.length == 0 {
		// recover: keep following for up to 8 misses
		if t.misses&0xff == 0xff || t.misses == 0 || !x.written(t.ptr) {
			t.ok = false
			t.byte = 256
			t.misses = 0
			return
		}
	}
	t.byte = uint32(x.hist[t.ptr])
	t.ok = true
	t.ctx = (matchBucket(t.length)*16 + t.misses&15) * 2
}
