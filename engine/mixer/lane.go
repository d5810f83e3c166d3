package mixer

import (
	"math/bits"

	"github.com/llmz/llmz/engine/mixer/cm"
)

// endByte takes the byte just coded into the lane's state.
func (x *Mixer) endByte(l *lane, b byte) {
	l.c0, l.node, l.group = 1, 1, 0
	if l.pos >= l.end {
		return // damaged data: the lane is full
	}
	x.hist[l.pos] = b
	l.pos++
	c1 := uint32(l.c8 & 0xff)
	c2 := uint32(l.c8 & 0xffff)
	o := l.own
	o.ind1[c1] = o.ind1[c1]<<8 | uint16(b)
	o.ind2[c2] = o.ind2[c2]<<8 | uint16(b)
	l.see(b)
	if b >= 'A' && b <= 'Z' {
		b += 32
	}
	l.rec.See(b, l.pos-1)
}

// see takes the byte before pos into what the lane has just read.
func (l *lane) see(b byte) {
	l.c8 = l.c8<<8 | uint64(b)

	odd := int32(0)
	if b < 32 && b != '\n' && b != '\r' && b != '\t' || b >= 0xf8 || b == 127 {
		odd = 65535
	}
	l.oddness += uint32((odd - int32(l.oddness)) >> 5)
	if l.oddness > 6000 {
		l.mode = 1
	} else if l.oddness < 1500 {
		l.mode = 0
	}

	l.classes = (l.classes<<3 | uint32(cm.ClassOf[b])) & 511
	isWord := b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b >= 128
	if b >= 'A' && b <= 'Z' {
		b += 32
		isWord = true
	}
	if isWord {
		l.word = cm.Hash(l.word, uint64(b))
	} else if l.word != 0 {
		l.lastWord = l.word
		l.word = 0
	}
	if b == '\n' {
		l.lastLine = l.lineStart
		l.lineStart = l.pos
	}
}

// back returns the byte d before the next one, 0 before the lane's past.
func (x *Mixer) back(l *lane, d int) uint64 {
	if p := l.pos - d; p >= l.from && d > 0 {
		return uint64(x.hist[p])
	}
	return 0
}

// beginByte prepares the contexts of the lane's next byte.
func (x *Mixer) beginByte(l *lane) {
	if l.pos >= l.end {
		return
	}
	c8 := l.c8
	c1 := c8 & 0xff
	var ctx [numCtx]uint64
	ctx[0] = c8 & 0xffff
	ctx[1] = c8 & 0xffffff
	ctx[2] = c8 & 0xffffffff
	ctx[3] = c8 & 0xffffffffffff
	ctx[4] = cm.Hash(uint64(l.own.ind1[c1]), c1)
	ctx[5] = cm.Hash(uint64(l.own.ind2[c8&0xffff]), c1)
	if l.mode == 0 {
		x.textContexts(l, &ctx)
	} else {
		x.recordContexts(l, &ctx)
	}
	for i := range ctx {
		n := uint64(i)
		if i >= firstModal {
			n += uint64(l.mode) * 16
		}
		if i < laneOrders || i >= laneSparse {
			n += uint64(l.id) << 32
		}
		l.hash[i] = cm.Hash(ctx[i]+n<<58, n*cm.Phi)
	}
	x.hashSlots(l, 0)
	x.matches[0].next(x, &l.match[0], l, (c8&0xffffffffff)*cm.Phi)
	if l.pos-l.from >= 12 {
		h := x.hist[l.pos-12 : l.pos]
		old := uint64(h[0]) | uint64(h[1])<<8 | uint64(h[2])<<16 | uint64(h[3])<<24
		x.matches[1].next(x, &l.match[1], l, (c8*cm.Phi^old*0xcaf649a9f5d1c3e5)*cm.Phi)
	}
	x.x[inBias] = stretchUnit
}

// textContexts are words and columns.
func (x *Mixer) textContexts(l *lane, ctx *[numCtx]uint64) {
	c8 := l.c8
	c1 := c8 & 0xff
	col := l.pos - l.lineStart
	var above, aboveNext uint64
	if p := l.lastLine + col; p < l.lineStart {
		above = uint64(x.hist[p])
		if p+1 < l.pos { // not the byte to come, after an empty line
			aboveNext = uint64(x.hist[p+1])
		}
	}
	ctx[6] = cm.Hash(l.word, c1)
	ctx[7] = cm.Hash(l.word+c1<<56, l.lastWord)
	ctx[8] = cm.Hash(uint64(min(col, 255))<<8|above, c1)
	ctx[9] = cm.Hash(above<<8|aboveNext, c8&0xffff)
	ctx[10] = c8 & 0xffff00
	ctx[11] = c8 & 0xf0f0ffff
}

// recordContexts are the bytes above in a table whose rows have the length that
// the lane has found, and bytes with others skipped.
func (x *Mixer) recordContexts(l *lane, ctx *[numCtx]uint64) {
	c8 := l.c8
	r := l.rec.Len
	above, above2, aboveNext := x.back(l, r), x.back(l, 2*r), x.back(l, r-1)
	col := uint64(0)
	if r > 0 {
		col = uint64((l.pos - l.from) % r)
	}
	ctx[6] = above<<8 | c8&0xff
	ctx[7] = cm.Hash(above<<8|above2, col)
	ctx[8] = cm.Hash(col, uint64(r))
	ctx[9] = above<<16 | above2<<8 | aboveNext
	ctx[10] = c8 & 0xff00ff
	ctx[11] = c8&0xff0000 | uint64(l.pos&3)
}

// hashSlots computes where the next nibble's slots are and asks for them; c0 is 0
// for the first nibble and the bits so far for the second.
func (x *Mixer) hashSlots(l *lane, c0 uint64) {
	for i, h := range l.hash {
		h = (h + c0*0xd6e8feb86659fd93) * cm.Phi
		h ^= h >> 31
		h *= 0xcaf649a9f5d1c3e5
		l.at[i] = uint32(h >> x.table.shift)
		l.check[i] = uint8(h)
	}
	x.table.prefetch(&l.at)
	h := (uint32(l.c8&0xffff)*groups + l.group) * 0x9e3779b1
	l.base2 = (h ^ h>>15) & x.mask2
}

// findSlots finds the slots that hashSlots computed.
func (x *Mixer) findSlots(l *lane) {
	for i, at := range l.at {
		l.slots[i] = x.table.find(at, l.check[i])
	}
	if x.drop != 0 {
		x.dropContexts(l)
	}
	l.hits = 0
	for i := range 4 {
		if l.slots[i][1] != 0 {
			l.hits++
		}
	}
}

func ilog(n uint32) uint32 { return uint32(bits.Len32(n)) }
