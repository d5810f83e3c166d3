package rich

import (
	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer/cm"
)

// binaryInputs reads what no other kind describes: tables whose rows have a length that is
// known or that it finds, chains of tagged records, numbers, machine code; bytes with others
// skipped. In version 3.
type binaryInputs struct {
	binaryReader
	ind2 [65536]uint16 // what followed two bytes
}

func (t *binaryInputs) see(x *Mixer, l *lane, b byte) {
	t.binaryReader.see(x, l, b)
	c2 := l.c8 >> 8 & 0xffff
	t.ind2[c2] = t.ind2[c2]<<8 | uint16(b)
}

// binaryReader is what binaryInputs and unitInputs have in common.
type binaryReader struct {
	start          int  // of the segment
	row            int  // bytes in a row, 0 where it is not known
	found          bool // the segment says so
	unit           int  // bytes of a number or instruction, 0 where it is not known
	numbers        bool
	rec            cm.Records
	chain          chain
	forecast       *[binaryForecasts]forecast
	guess          *numberGuess // of numbers of four bytes
	ind1           [256]uint16
	ind3           [65536]uint16
	word, lastWord uint64
	sorts          uint64 // of the last bytes: zero, below 32, ASCII or others, 2 bits each
}

const binaryForecasts = 7

func (t *binaryReader) begin(x *Mixer, l *lane, seg content.Segment, start int) {
	t.start, t.unit, t.found = start, 0, false
	t.numbers = seg.Kind == content.Numbers
	switch seg.Kind {
	case content.Numbers:
		t.unit, t.row, t.found = seg.Step, seg.Width, true
		if t.row == 0 {
			t.row = seg.Step
		}
	case content.Records:
		t.row, t.found = seg.Width, true
	case content.Code:
		t.unit = seg.Step
	case content.ARM, content.ARM64:
		t.unit = 4
	}
	if t.forecast == nil {
		t.forecast = new([binaryForecasts]forecast)
		for i := range t.forecast {
			t.forecast[i].init()
		}
	}
	for i := range t.forecast {
		t.forecast[i].none()
	}
	t.chain.leave()
	if t.numbers && t.unit == 4 {
		if t.guess == nil {
			t.guess = newNumberGuess()
		}
		t.guess.begin(start)
	}
}

func (t *binaryReader) see(x *Mixer, l *lane, b byte) {
	c1 := l.c8 >> 8 & 0xff
	t.ind1[c1] = t.ind1[c1]<<8 | uint16(b)
	if textClass[b] <= classDigit {
		t.word = cm.Hash(t.word, uint64(b))
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
	h3 := (l.c8 >> 8 & 0xffffff) * cm.Phi >> 48
	t.ind3[h3] = t.ind3[h3]<<8 | uint16(b)
	for i := range t.forecast {
		t.forecast[i].learn(b)
	}
	if t.numbers && t.unit == 4 {
		t.guess.see(b)
	}
	t.chain.see(x, l)
	if !t.found {
		t.rec.See(b, l.pos-1)
		t.row = t.rec.Len
	}
}

func (t *binaryInputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
	c8 := l.c8
	c1 := c8 & 0xff
	c2 := c8 & 0xffff
	c3 := c8 & 0xffffff
	r := t.row
	above := x.back(l, r)
	col := uint64(t.column(l))
	n := 0
	add := func(h uint64) {
		ctx[n] = h
		n++
	}
	add(cm.Hash(t.sorts, 7))
	add(c2)
	add(c3)
	add(c8 & 0xffffffff)
	add(c8 & 0xffffffffff)
	add(c8 & 0xffffffffffff)
	add(hash3(uint64(t.ind3[c3*cm.Phi>>48]), c2, 0))
	add(cm.Hash(c8, l.c16&0xffff))
	add(cm.Hash(t.word, c1))
	add(0)
	add(cm.Hash(col, uint64(r)))
	add(hash3(c1, col, 1))
	add(hash3((c1-x.back(l, r+1))&0xff, above, 3))
	add(hash3(t.word, t.lastWord, c1))
	add(hash3(uint64(t.ind1[c1]), c2, 2))
	var known bool
	n, known = t.shapeContexts(x, l, ctx, n)
	if !known {
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
	}
	add(cm.Hash(uint64(t.ind1[c1]), c1))
	add(cm.Hash(uint64(t.ind2[c2]), c1))
	t.foresee(x, l, col)
	return t.expectedContexts(l, ctx, n)
}

// shapeContexts are of the rows of a table, or units; then of numbers or a chain's records, and
// it tells whether the content is known to be of these.
func (t *binaryReader) shapeContexts(x *Mixer, l *lane, ctx *[maxCtx]uint64, n int) (int, bool) {
	c8, r := l.c8, t.row
	if r > 4 && t.unit == 0 {
		c1, c2 := c8&0xff, c8&0xffff
		above, above2, aboveNext := x.back(l, r), x.back(l, 2*r), x.back(l, r-1)
		n += copy(ctx[n:], []uint64{
			above<<8 | c1,
			above<<16 | above2<<8 | aboveNext,
			hash3(above, c2, uint64(t.column(l))),
			hash3((above-above2)&0xff, above, 2),
		})
	} else {
		n = t.unitContexts(x, l, ctx, n)
	}
	switch {
	case t.numbers:
		if t.unit == 4 {
			t.guess.next(x, l)
		}
		return t.numberContexts(x, l, ctx, n), true
	case t.chain.active():
		n = t.chain.contexts(x, l, ctx, n)
		n += copy(ctx[n:], []uint64{c8 & 0xff00, c8 & 0xff0000, c8 & 0xff00ff, c8 & 0xffff00})
		return n, true
	}
	return n, false
}

// expectedContexts are of the byte that a match expects.
func (t *binaryReader) expectedContexts(l *lane, ctx *[maxCtx]uint64, n int) int {
	n += copy(ctx[n:], []uint64{l.expected(), cm.Hash(uint64(l.expect), l.c8&0xff)})
	return n
}

// column returns where in its row the byte to come is.
func (t *binaryReader) column(l *lane) int {
	if t.row == 0 {
		return 0
	}
	return (l.pos - t.start) % t.row
}

// unitContexts are of units of two and four bytes, as instructions are: the bytes of the
// unit so far, and those of the ones before.
func (t *binaryReader) unitContexts(x *Mixer, l *lane, ctx *[maxCtx]uint64, n int) int {
	c8 := l.c8
	off := uint(l.pos-t.start) & 3
	four := c8&(1<<(8*off)-1)<<2 | uint64(off)
	two := c8&(1<<(8*(off&1))-1)<<2 | uint64(off&1)
	before := c8 >> (8 * (off & 1))
	w1, w2 := x.back(l, int(off)+4), x.back(l, int(off)+8)
	for _, h := range [...]uint64{
		hash3(four, w1<<8|w2, 11),
		hash3(x.back(l, 4), x.back(l, 8), uint64(off)),
		hash3(two, before&0xf1ff, before>>16&0xfff0),
		hash3(two, before>>16&0xffff, 14),
	} {
		ctx[n] = h
		n++
	}
	return n
}

// numberContexts are the bytes of the number so far, and the higher ones of those before.
func (t *binaryReader) numberContexts(x *Mixer, l *lane, ctx *[maxCtx]uint64, n int) int {
	off := (l.pos - t.start) % t.unit
	prefix := l.c8&(1<<(8*off)-1)<<3 | uint64(off)
	top := func(k int) uint64 { return x.back(l, off+k*t.unit)<<8 | x.back(l, off+k*t.unit-1) }
	t1, t2, t3 := top(1), top(2), top(3)
	for _, h := range [...]uint64{
		hash3(prefix, 0, 1),
		hash3(prefix, t1>>8, 2),
		hash3(prefix, t1, 3),
		hash3(prefix, t1>>8, 4+t2&0xff00),
		hash3(prefix, t2>>8, 5),
		hash3(prefix, t1>>4, 6+t2>>4<<4),
		hash3(prefix, t1&0xff00|t2>>8, 7+t3&0xff00),
		hash3(prefix, (2*t1-t2)>>4&0xfff, 8),
	} {
		ctx[n] = h
		n++
	}
	return n
}

// foresee sets what arithmetic expects.
func (t *binaryReader) foresee(x *Mixer, l *lane, col uint64) {
	f := t.forecast
	for i := range f {
		f[i].none()
	}
	c1 := l.c8 & 0xff
	if r := t.row; r > 1 {
		above, above2 := x.back(l, r), x.back(l, 2*r)
		key := col + uint64(r)<<10
		f[0].expect(2*above-above2, key)
		// The higher byte of a number that has grown, after its lower one.
		aboveLeft := x.back(l, r+1)
		f[1].expect(grown(above, aboveLeft, c1), key)
		// The higher byte of one that grows as it did, before its lower one.
		a, b := above<<8|x.back(l, r-1), above2<<8|x.back(l, 2*r-1)
		f[2].expect((2*a-b)>>8, key)
		f[3].expect(above+c1-aboveLeft, key)
	}
	c := &t.chain
	if !c.active() || c.at < 4 {
		return
	}
	key := uint64(c.tag)<<12 ^ uint64(c.at) ^ 1<<40
	if b, b1, ok := c.above(x, l, 0); ok {
		f[4].expect(2*b-b1, key)
	}
	if b, b1, ok := c.likeBytes(x, l, 0); ok {
		if low, _, ok := c.likeBytes(x, l, 1); ok {
			f[5].expect(grown(b, low, c1), key)
		}
		f[1].none()
		if b1 < 256 {
			f[1].expect(2*b-b1, key+1<<50)
		}
	}
	// A record of any tag may go on from the one before.
	if b, b1, ok := c.lastBytes(x, l); ok {
		f[6].expect(2*b-b1, key)
	}
}

// grown returns the higher byte of a number of two bytes that was high, low and has grown by
// less than 256, so that its lower byte is now.
func grown(high, low, now uint64) uint64 { return (high<<8 | low + (now-low)&0xff) >> 8 }

func (t *binaryReader) predictBit(x *Mixer, l *lane, in *[numDirect]int32, s *selectors) {
	bitpos := ilog(l.c0) - 1
	for i := range t.forecast {
		t.forecast[i].predict(l.c0, bitpos, in[2*i:2*i+2])
	}
	if t.numbers && t.unit == 4 {
		t.guess.predict(l.c0, in[2*numberForecasts:2*binaryForecasts])
		if e := t.guess.best(); e != nil {
			s.a = uint32(t.guess.off)<<7 | e.at>>5&127
			s.final = e.at >> 2 & (finalSize - 1)
		}
	}
}

// numberForecasts is the number of forecasts beside a numberGuess: those of chains are not
// among them.
const numberForecasts = 4

func (t *binaryReader) learnBit(x *Mixer, l *lane, bit uint32) {
	for i := range t.forecast {
		t.forecast[i].learnBit(bit)
	}
	if t.numbers && t.unit == 4 {
		t.guess.learnBit(l.c0, bit)
	}
}

func (t *binaryReader) selectors(x *Mixer, l *lane) selectors {
	col := t.column(l)
	if t.chain.active() {
		col = int(t.chain.at)
	}
	above := uint32(x.back(l, t.row))
	return selectors{
		a:     uint32(min(col, selectorSize-1)),
		b:     above | uint32(l.pos&1)<<8,
		final: above<<2 | uint32(l.pos&3),
	}
}
