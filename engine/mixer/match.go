package mixer

import "github.com/llmz/llmz/engine/mixer/cm"

// match follows the most recent occurrence of what a lane has just seen, and
// predicts that the same byte comes next. It goes on after a mismatch, with less
// confidence, so that records with small differences are followed.
//
// What is near is the best guide, and among lanes that take turns the most recent
// occurrence is seldom near: so a lane looks in its own past first, and in that of
// the others only for long matches.
type match struct {
	ptr    uint32 // position in the history of the predicted byte
	length uint32 // matched bytes since the last mismatch, capped
	misses uint32 // shift register of the last outcomes, 1 is a miss
	byte   uint32 // the predicted byte
	active bool   // ptr is being followed
	ok     bool   // the predicted byte agrees with the bits seen so far
	ctx    uint32 // index in the confidence table
}

const (
	matchMaxLen  = 65535
	matchVerify  = 40 // bytes compared with a candidate
	matchTrusted = 16 // a match this long is kept in spite of earlier misses
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
	shared bool // where lanes are kept apart, it knows their common past, too
	// conf is the probability that the prediction is right, by matchBucket and the
	// last four outcomes.
	// [1] is for the ends of tokens.
	conf [2][matchBuckets * 16]cm.Adaptive
}

func (m *matchModel) init(minLen int, logHeads uint) {
	m.minLen = minLen
	m.heads = make([]uint32, 1<<logHeads)
	m.shift = 64 - logHeads
}

// next moves t on by the byte just coded in lane l and, if it follows nothing or
// nothing reliable, looks for the last occurrence of the lane's last minLen bytes,
// whose hash is h: in the lane's own past, if lanes are kept apart, and only then, if
// the match is long enough to be worth it, in that of all.
func (m *matchModel) next(x *Mixer, t *match, l *lane, h uint64) {
	if t.active {
		t.ptr++
		if t.byte == uint32(l.c8&0xff) {
			t.length = min(t.length+1, matchMaxLen)
			t.misses <<= 1
		} else {
			t.length = 0
			t.misses = t.misses<<1 | 1
			if t.misses&0xff == 0xff {
				t.active = false
			}
		}
	}
	search := !t.active || t.misses&0xff != 0 && t.length < matchTrusted
	found := false
	if x.apart {
		own := &m.heads[(h+uint64(l.id+1)*cm.Phi)*0xd6e8feb86659fd93>>m.shift]
		found = search && m.follow(x, t, l, *own)
		*own = uint32(l.pos)
	}
	if !x.apart || m.shared {
		head := &m.heads[h>>m.shift]
		if search && !found {
			m.follow(x, t, l, *head)
		}
		*head = uint32(l.pos)
	}
	t.ok = t.active && x.written(int(t.ptr))
	t.active = t.ok
	if t.ok {
		t.byte = uint32(x.hist[t.ptr])
		t.ctx = matchBucket(t.length)*16 + t.misses&15
	}
}

// follow lets t follow position p, 0 for none, if more bytes before it are the lane's
// than t has followed, and tells whether it does.
func (m *matchModel) follow(x *Mixer, t *match, l *lane, p uint32) bool {
	if p == 0 {
		return false
	}
	n := x.commonSuffix(int(p), l)
	if n < m.minLen || n <= int(t.length) {
		return false
	}
	*t = match{ptr: p, length: uint32(n), active: true}
	return true
}

// commonSuffix returns how many bytes before p equal the last ones of l, at most
// matchVerify. Before the start of p's lane, what is not coded yet counts as zeros.
func (x *Mixer) commonSuffix(p int, l *lane) int {
	start := -1
	if p >= x.since && p < x.until {
		start = x.laneAt(p).start // p is its lane's start where the lane had seen nothing yet
	}
	n := 0
	for at := l.pos; n < matchVerify && p > 0 && at > l.from; n++ {
		b := x.hist[p-1]
		if p <= start && !x.written(p-1) {
			b = 0
		}
		if b != x.hist[at-1] {
			break
		}
		p--
		at--
	}
	return n
}
