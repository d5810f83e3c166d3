package rich

import "github.com/llmz/llmz/engine/content"

// binaryInputs reads what no other kind describes: tables whose rows have a length that it
// finds, bytes with others skipped.
type binaryInputs struct {
	rec            records
	ind1           [256]uint16
	ind2           [65536]uint16
	ind3           [65536]uint16
	word, lastWord uint64
	sorts          uint64 // of the last bytes: zero, below 32, ASCII or others, 2 bits each
}

func (t *binaryInputs) begin(x *Mixer, l *lane, seg content.Segment, start int) {}

func (t *binaryInputs) see(x *Mixer, l *lane, b byte) {
	c1 := l.c8 >> 8 & 0xff
	c2 := l.c8 >> 8 & 0xffff
	t.ind1[c1] = t.ind1[c1]<<8 | uint16(b)
	t.ind2[c2] = t.ind2[c2]<<8 | uint16(b)
	if textClass[b] <= classDigit {
		t.word = mixHash(t.word, uint64(b))
	} else if t.word != 0 {
		t.lastWord, t.word = t.word, 0
	}
	sort := uint64(3)
	switch {
	case b == 0:
		sort = 0
	case b < 32:
		sort = 1
	case b < 128:
		sort = 2
	}
	t.sorts = t.sorts<<2 | sort
	h3 := (l.c8 >> 8 & 0xffffff) * phi >> 48
	t.ind3[h3] = t.ind3[h3]<<8 | uint16(b)
	t.rec.see(b, l.pos-1)
}

func (t *binaryInputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
	c8 := l.c8
	c1 := c8 & 0xff
	c2 := c8 & 0xffff
	c3 := c8 & 0xffffff
	r := t.rec.len
	above, above2, aboveNext := x.back(l, r), x.back(l, 2*r), x.back(l, r-1)
	col := uint64(0)
	if r > 0 {
		col = uint64((l.pos - l.from) % r)
	}
	n := 0
	add := func(h uint64) {
		ctx[n] = h
		n++
	}
	add(mixHash(t.sorts, 7))
	add(c2)
	add(c3)
	add(c8 & 0xffffffff)
	add(c8 & 0xffffffffff)
	add(c8 & 0xffffffffffff)
	add(hash3(uint64(t.ind3[c3*phi>>48]), c2, 0))
	add(mixHash(c8, l.c16&0xffff))
	add(mixHash(t.word, c1))
	add(0)
	// Tables.
	add(above<<8 | c1)
	add(hash3(t.word, t.lastWord, c1))
	add(mixHash(col, uint64(r)))
	add(above<<16 | above2<<8 | aboveNext)
	add(hash3(above, c2, col))
	add(hash3(c1, col, 1))
	add(hash3((above-above2)&0xff, above, 2))
	add(hash3((c1-x.back(l, r+1))&0xff, above, 3))
	add(hash3(uint64(t.ind1[c1]), c2, 2))
	// Sparse ones.
	add(c8 & 0xff00)
	add(c8 & 0xff0000)
	add(c8 & 0xff000000)
	add(c8 & 0xff00ff)
	add(c8 & 0xffff00)
	add(c8 & 0xf8f8f8f8f8f8)
	add(c8 & 0xffff0000)
	add(c8 & 0xff00ff00)
	add(c8&0xff0000 | uint64(l.pos&3))
	add(hash3(c2, uint64(l.pos&3), 1))
	add(c8 & 0xf0f0f0f0f0f0)
	add(c8 & 0xff00000000000000)
	add(hash3(c8>>56, c1, uint64(l.pos&7)))
	add(mixHash(uint64(t.ind1[c1]), c1))
	add(mixHash(uint64(t.ind2[c2]), c1))
	e := uint64(0)
	if l.expect > 0 {
		e = uint64(l.expect)<<8 | uint64(matchBucket(max(l.match[0].length, l.match[1].length, l.match[2].length)))
	}
	add(e)
	add(mixHash(uint64(l.expect), c1))
	return n
}

func (t *binaryInputs) selectors(x *Mixer, l *lane) selectors {
	r := t.rec.len
	col := 0
	if r > 0 {
		col = (l.pos - l.from) % r
	}
	return selectors{a: uint32(min(col, selectorSize-1)), b: uint32(x.back(l, r)) | uint32(l.pos&1)<<8, final: uint32(x.back(l, r))<<2&1023 | uint32(l.pos&3)}
}
