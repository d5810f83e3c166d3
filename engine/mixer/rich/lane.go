package rich

import (
	"math/bits"

	"github.com/llmz/llmz/engine/content"
	"github.com/llmz/llmz/engine/mixer/cm"
)

func hash3(a, b, c uint64) uint64 { return cm.Hash(cm.Hash(a, b), c) }

// lane is the state of one lane.
type lane struct {
	own         *own
	brain       *brain
	common      *common
	in          inputSet
	kind        content.Kind
	sets        [content.NumKinds]inputSet // what it has read with so far
	bit         bitInputs                  // in, where it has them
	sel         selectors                  // of the byte
	bitSel      selectors                  // of the bit
	id          uint32                     // lane number, modulo 64
	pos, end    int
	from        int    // where its past begins
	span        *span  // what it has not coded yet
	segment     int    // the one that it is in
	nextSegment int    // where the next one starts
	c0          uint32 // bits of the current byte after a leading one
	node        uint32 // bits of the current nibble after a leading one
	c8          uint64 // the last eight bytes, newest lowest
	c16         uint64 // the eight before them
	classes     uint32 // of the last three bytes, three bits each

	n       int // contexts of this byte
	hash    [numCtx]uint64
	at      [numCtx]uint32 // bucket and check of each slot
	check   [numCtx]uint16
	slots   [numCtx]*[16]uint8
	runSlot [numCtx]*bucket // where the first nibble is
	runIdx  [numCtx]uint8
	runByte [numCtx]uint32 // with a leading one; 0 where there is none
	runCtx  [numCtx]uint8
	hits    uint32
	match   [numMatch]match
	expect  uint32 // what the longest match expects, with a leading one, or 0
}

// own is what lanes that share it learn apart from the others.
type own struct {
	brains [content.NumKinds]*brain
}

// enterSegment lets the lane read on in the segment that its position is in.
func (x *Mixer) enterSegment(l *lane) {
	for l.segment+1 < len(x.starts) && x.starts[l.segment+1] <= l.pos {
		l.segment++
	}
	seg := x.plan[l.segment]
	k := setOf(seg.Kind)
	o := l.own
	if x.common[k] == nil {
		x.common[k] = newCommon(reading{k, x.cfg.Version}, x.cfg.Model, x.cfg.Stretches)
	}
	if o.brains[k] == nil {
		o.brains[k] = newBrain(reading{k, x.cfg.Version}, x.cfg.Model, x.cfg.Tokens)
		o.brains[k].refineWith(x.common[k].maps)
	}
	if l.sets[k] == nil {
		l.sets[k] = reading{k, x.cfg.Version}.newInputSet()
	}
	l.brain, l.common = o.brains[k], x.common[k]
	l.in = l.sets[k]
	l.kind = k
	l.bit, _ = l.in.(bitInputs)
	l.in.begin(x, l, seg, x.starts[l.segment])
	l.nextSegment = len(x.hist)
	if l.segment+1 < len(x.starts) {
		l.nextSegment = x.starts[l.segment+1]
	}
}

// endByte takes the byte just coded into the lane's state. It returns false if the lane was full, which only
// damaged data can bring about.
func (x *Mixer) endByte(l *lane, b byte) bool {
	l.c0, l.node = 1, 1
	if l.pos >= l.end {
		return false
	}
	x.hist[l.pos] = b
	l.pos++
	l.span.pos = l.pos
	if x.cfg.Stretches && l.pos == l.end {
		x.close(l.span)
	}
	l.see(x, b)
	return true
}

// countRuns counts in the n contexts that byte b was in how often it has come in a row.
func (x *Mixer) countRuns(l *lane, n int, b byte) {
	for i := range n {
		k := &l.runSlot[i].slot[l.runIdx[i]&3%3]
		last := &l.runSlot[i].last[l.runIdx[i]&3%3]
		if k[0] == 0 || *last != b {
			k[0], *last = 1, b
		} else if k[0] < 255 {
			k[0]++
		}
	}
}

// see takes the byte before pos into what the lane has just read.
func (l *lane) see(x *Mixer, b byte) {
	l.c16 = l.c16<<8 | l.c8>>56
	l.c8 = l.c8<<8 | uint64(b)
	l.classes = (l.classes<<3 | uint32(cm.ClassOf[b])) & 511
	l.in.see(x, l, b)
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
	if l.pos >= l.nextSegment {
		x.enterSegment(l)
	}
	c8 := l.c8
	x.matches[0].next(x, &l.match[0], l, hash3(c8, l.c16, x.back(l, 20)<<24|x.back(l, 19)<<16|x.back(l, 18)<<8|x.back(l, 17))*cm.Phi)
	x.matches[1].next(x, &l.match[1], l, cm.Hash(c8, l.c16&0xffffff)*cm.Phi)
	x.matches[2].next(x, &l.match[2], l, (c8&0xffffffffff)*cm.Phi)
	l.expect = 0
	for i := range l.match {
		if t := &l.match[i]; t.ok {
			l.expect = t.byte
			break
		}
	}
	l.n = l.in.contexts(x, l, (*[maxCtx]uint64)(l.hash[:]))
	l.sel = l.in.selectors(x, l)
	l.bitSel = l.sel
	kind := uint64(l.kind) << 40
	for i := range l.n {
		l.hash[i] = cm.Hash(l.hash[i], (uint64(i)+kind+1)*cm.Phi)
	}
	x.hashSlots(l, 0, 0)
}

// modelContexts adds contexts of what the model expects next: its two likeliest bytes and
// how likely the first is.
func (x *Mixer) modelContexts(l *lane, freqs *[256]uint32) {
	var t1, t2 int
	var f1, f2, sum uint32
	for b, f := range freqs {
		sum += f
		if f > f2 {
			if f > f1 {
				t1, t2, f1, f2 = b, t1, f, f1
			} else {
				t2, f2 = b, f
			}
		}
	}
	q := uint64(bits.Len32(^(uint32(uint64(f1) << 16 / uint64(sum))) & 0xffff)) // small where it is sure
	first := l.n
	l.hash[first] = hash3(uint64(t1)<<8|uint64(t2), q, 1)
	l.hash[first+1] = hash3(uint64(t1), l.c8&0xffff, 2)
	l.n += numModelCtx
	x.hashSlots(l, 0, first)
}

// hashSlots computes where the next nibble's slots are, from context first on, and asks for
// them; c0 is 0 for the first nibble and the bits so far for the second.
func (x *Mixer) hashSlots(l *lane, c0 uint64, first int) {
	n := uint64(len(x.table.buckets))
	for i := first; i < l.n; i++ {
		h := (l.hash[i] + c0*0xd6e8feb86659fd93) * cm.Phi
		h ^= h >> 31
		h *= 0xcaf649a9f5d1c3e5
		l.at[i] = uint32(h >> 32 * n >> 32)
		l.check[i] = uint16(h) | 1
	}
	x.table.prefetch(l.at[first:l.n])
}

// findSlots finds the slots that hashSlots computed.
func (x *Mixer) findSlots(l *lane) {
	for i, at := range l.at[:l.n] {
		b, k := x.table.find(at, l.check[i])
		l.slots[i] = &b.slot[k]
		if l.c0 == 1 {
			l.runSlot[i], l.runIdx[i] = b, uint8(k)
			l.runByte[i] = 0
			if n := b.slot[k][0]; n > 0 {
				l.runByte[i] = uint32(b.last[k]) | 256
				l.runCtx[i] = runBucket[n]
			}
		}
	}
	l.hits = 0
	for i := range l.slots[:min(l.n, numOrders)] {
		if l.slots[i][1] != 0 {
			l.hits++
		}
	}
}

// runBucket quantises how often a byte has come in a row.
var runBucket = func() (t [256]uint8) {
	for n := range t {
		t[n] = uint8(min(n, 4+bits.Len(uint(n)), 11))
	}
	return t
}()

func ilogInt(n int) uint { return uint(bits.Len(uint(n))) }

func ilog(n uint32) uint32 { return uint32(bits.Len32(n)) }

// setOf returns the kind whose input set reads content of kind k.
func setOf(k content.Kind) content.Kind {
	switch k {
	case content.Source, content.Markup, content.Table, content.Log:
		return content.Text
	}
	return k
}
