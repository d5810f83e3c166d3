package rich

import "github.com/llmz/llmz/engine/mixer/cm"

// A chain is a row of tagged records, as spreadsheets and many other binary files are:
// two bytes of a tag, two of a length, lower byte first, and as many bytes. Where such
// records follow one another for a while, the byte to come is known by its tag and place, and
// by the last records with that tag.
type chain struct {
	next  int    // position of the next record's tag
	good  uint32 // records so far that fitted
	at    uint32 // place in the record: 0 to 3 in tag and length
	tag   uint32
	size  uint32
	begun int // position of the record
	last  [256]chainTag
	prev  uint32 // tag of the record before
	prev2 uint32
	cand  [chainCand]chainPlace
	// like is the record of a row above that is where this one is in its row, -1 if there is
	// none: what came after the last one with the tag and the first two fields' second of the
	// record before. like2 is the one above that.
	like, like2 int
	col         [chainCols]int32      // by tag and column, where the last record begins
	likes       [chainCols]chainPlace // by place, what it was like
	before      [2]int                // where the last two records begin
}

// chainPlace is where a record leads to, and how many have led there.
type chainPlace struct {
	pos int32
	n   int32
}

type chainTag struct {
	tag uint32
	at  [3]int32 // positions of the last records of the tag, newest first
}

const (
	chainGood  = 4
	chainFound = 6 // records that make a chain
	chainCand  = 1 << 14
	chainCols  = 1 << 12
	chainMax   = 8300 // the longest record
)

func (c *chain) active() bool { return c.good >= chainGood }

// leave forgets where the lane is in a chain, as it goes on at another place.
func (c *chain) leave() { c.good, c.next, c.begun = 0, 0, 0 }

// see takes the byte before l.pos.
func (c *chain) see(x *Mixer, l *lane) {
	if c.next == 0 || l.pos <= c.begun {
		c.look(x, l)
		return
	}
	c.at = uint32(l.pos - c.begun)
	if l.pos < c.next || c.at < 4 {
		return
	}
	if c.at == 4 {
		v := uint32(l.c8)
		// The bytes are in the order b0 b1 b2 b3, b3 the lowest of c8.
		c.tag = v>>24&0xff | v>>8&0xff00
		c.size = v>>8&0xff | v<<8&0xff00
		if c.tag == 0 || c.tag > 0x1fff || c.size > chainMax {
			c.good, c.next = 0, 0
			return
		}
		c.good = min(c.good+1, 1000)
		c.next = l.pos + int(c.size)
	}
	if l.pos == c.next {
		e := &c.last[(c.tag*0x9e3779b1)>>24]
		if e.tag != c.tag {
			*e = chainTag{tag: c.tag}
		}
		e.at[2], e.at[1], e.at[0] = e.at[1], e.at[0], int32(c.begun)
		c.prev2, c.prev = c.prev, c.tag
		c.before[1], c.before[0] = c.before[0], c.begun
		c.link(x, l)
		c.begun = l.pos
		c.at = 0
		c.next = l.pos + 4
	}
}

// look begins a chain where records have followed one another for a while: every place may
// be that of a record, and those that others lead to are counted.
func (c *chain) look(x *Mixer, l *lane) {
	if l.pos < 4 {
		return
	}
	v := uint32(l.c8)
	tag, size := v>>24&0xff|v>>8&0xff00, v>>8&0xff|v<<8&0xff00
	if tag == 0 || tag > 0x1fff || size == 0 || size > chainMax {
		return
	}
	at := l.pos - 4 // of the tag
	n := int32(0)
	if e := c.cand[at%chainCand]; e.pos == int32(at) {
		n = e.n
	}
	if n >= chainFound {
		c.begun, c.next, c.good = at, l.pos, chainGood
		c.see(x, l)
		return
	}
	q := l.pos + int(size)
	c.cand[q%chainCand] = chainPlace{int32(q), n + 1}
}

// link finds the record that the one to come is like.
func (c *chain) link(x *Mixer, l *lane) {
	field := uint64(0)
	if c.size >= 4 {
		field = x.back(l, int(c.size)-2) | x.back(l, int(c.size)-3)<<8
	}
	last := &c.col[cm.Hash(uint64(c.tag), field)%chainCols]
	c.like, c.like2 = -1, -1
	if p := int(*last); p > l.from && p+4 < c.begun && uint32(x.hist[p])|uint32(x.hist[p+1])<<8 == c.tag {
		c.like = p + 4 + int(x.hist[p+2]) + int(x.hist[p+3])<<8
		if e := c.likes[c.like%chainCols]; e.pos == int32(c.like) {
			c.like2 = int(e.n)
		}
		if c.like >= l.pos {
			c.like = -1
		}
	}
	*last = int32(c.begun)
	c.likes[l.pos%chainCols] = chainPlace{int32(l.pos), int32(c.like)}
}

// likeBytes returns the bytes at the place, d before it, of the records that this one is like.
func (c *chain) likeBytes(x *Mixer, l *lane, d int) (b, b1 uint64, ok bool) {
	b, b1 = 256, 256
	at := int(c.at) - d
	if p := c.like + at; c.like >= l.from && at >= 0 && p < l.pos {
		b, ok = uint64(x.hist[p]), true
		if p := c.like2 + at; c.like2 >= l.from && p < l.pos {
			b1 = uint64(x.hist[p])
		}
	}
	return b, b1, ok
}

const chainContexts = 7

// contexts adds chainContexts contexts.
func (c *chain) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64, n int) int {
	at := uint64(c.at)
	b, b1, _ := c.likeBytes(x, l, 0)
	key := uint64(c.tag)<<16 | at
	if at < 4 {
		key = uint64(c.prev)<<16 | at
	}
	c1 := l.c8 & 0xff
	prefix := l.c8 & (1<<(8*min(at, 7)) - 1)
	var v, v1, _ = c.above(x, l, 0)
	if at < 4 {
		v, v1 = uint64(c.prev2), 0
	}
	for _, h := range [chainContexts]uint64{
		hash3(key, b, b1),
		hash3(key, b, c1),
		hash3(key, prefix, 1),
		hash3(key, prefix, b<<8|2),
		hash3(key, v, b<<8|3),
		hash3(key, v, v1<<8|4),
		hash3(key, v, c1<<8|5),
	} {
		ctx[n] = h
		n++
	}
	return n
}

// above returns the bytes d before the place in the last two records of the tag.
func (c *chain) above(x *Mixer, l *lane, d int) (b, b1 uint64, ok bool) {
	e := &c.last[(c.tag*0x9e3779b1)>>24]
	at := int(c.at) - d
	p, p1 := int(e.at[0])+at, int(e.at[1])+at
	if e.tag != c.tag || p1 < l.from || p < l.from || p >= l.pos || p1 >= l.pos {
		return 0, 0, false
	}
	return uint64(x.hist[p]), uint64(x.hist[p1]), true
}

// lastBytes returns the bytes at the place in the last two records of any tag.
func (c *chain) lastBytes(x *Mixer, l *lane) (b, b1 uint64, ok bool) {
	at := int(c.at)
	p, p1 := c.before[0]+at, c.before[1]+at
	if c.before[1] < l.from || p >= c.begun || p1 >= c.before[0] {
		return 0, 0, false
	}
	return uint64(x.hist[p]), uint64(x.hist[p1]), true
}
