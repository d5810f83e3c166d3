package rich

import "github.com/llmz/llmz/engine/mixer/cm"

// unitInputs reads what binaryInputs reads, with more of what followed before, and of units:
// what came after the last units of two and four bytes, and the bits of instructions that
// say what they do. Since version 4.
type unitInputs struct {
	binaryReader
	after2 [65536]uint32 // the four bytes that followed two bytes, the last one lowest
	seenAt [65536]uint32 // where two bytes were last, and their end
	unit2  [65536]uint16 // what followed a unit of two bytes
	unit4  [65536]uint32 // and one of four
}

func (t *unitInputs) see(x *Mixer, l *lane, b byte) {
	t.binaryReader.see(x, l, b)
	before := l.c8 >> 8 & 0xffff
	t.after2[before] = t.after2[before]<<8 | uint32(b)
	t.seenAt[l.c8&0xffff] = uint32(l.pos)
	at := uint(l.pos - t.start)
	if at&1 == 0 {
		t.unit2[l.c8>>16&0xffff] = uint16(l.c8)
	}
	if at&3 == 0 {
		t.unit4[unitHash(l.c8>>32)] = uint32(l.c8)
	}
}

// unitHash is where unit4 holds what followed a unit.
func unitHash(unit uint64) uint64 { return (unit & 0xffffffff) * cm.Phi >> 48 }

func (t *unitInputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
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
	add(hash3(t.sorts&0xffffff, c1, 3))
	add(c2)
	add(c3)
	add(c8 & 0xffffffff)
	add(hash3(c2, t.sorts&0xfff, 0))
	add(c8 & 0xffffffffffff)
	add(hash3(uint64(t.ind3[c3*cm.Phi>>48]), c2, 0))
	add(cm.Hash(c8, l.c16&0xffff))
	add(cm.Hash(t.word, c1))
	add(c8 & 0xe0e0e0e0e0e0e0e0)
	add(cm.Hash(col, uint64(r)))
	add(hash3(c1, col, 1))
	add(hash3((c1-x.back(l, r+1))&0xff, above, 3))
	add(hash3(t.word, t.lastWord, c1))
	add(hash3(uint64(min(uint32(l.pos)-t.seenAt[c2], maxSince)), c1, 1))
	var known bool
	n, known = t.shapeContexts(x, l, ctx, n)
	if !known {
		// Sparse ones.
		add(c8 & 0xff00)
		add(c8 & 0xff0000)
		add(c8 & 0xff000000)
		add(c8 & 0xff00ff)
		add(c8 & 0xffff00)
		add(c8 & 0xffff0000)
		add(c8 & 0xff00ff00)
		add(c8&0xff0000 | uint64(l.pos&3))
		add(c8 & 0xf0f0f0f0f0f0)
		n = t.followers(l, ctx, n)
	}
	add(cm.Hash(uint64(t.ind1[c1]), c1))
	add(cm.Hash(uint64(t.after2[c2]), 1))
	t.foresee(x, l, col)
	return t.expectedContexts(l, ctx, n)
}

// maxSince is the farthest that the last two bytes are looked for.
const maxSince = 64

// followers are of units, too: the bits of the ones before that say what an instruction
// does, and what followed the last one when it was there before.
func (t *unitInputs) followers(l *lane, ctx *[maxCtx]uint64, n int) int {
	c8 := l.c8
	off := uint(l.pos-t.start) & 3
	four := c8&(1<<(8*off)-1)<<2 | uint64(off)
	two := c8&(1<<(8*(off&1))-1)<<2 | uint64(off&1)
	before := c8 >> (8 * (off & 1))
	for _, h := range [...]uint64{
		hash3(two, before&0xf000f000f000, 21),
		hash3(two, before&0xffc0ffc0, 22),
		hash3(two, uint64(t.unit2[before&0xffff]), 23),
		hash3(four, uint64(t.unit4[unitHash(c8>>(8*off))]), 24),
	} {
		ctx[n] = h
		n++
	}
	return n
}

func (t *unitInputs) selectors(x *Mixer, l *lane) selectors {
	s := t.binaryReader.selectors(x, l)
	if !t.chain.active() {
		s.b = uint32(t.sorts&0x7f)<<2 | uint32(l.pos-t.start)&3
	}
	return s
}
