package rich

import (
	"unsafe"

	"github.com/llmz/llmz/engine/mixer/cm"
)

const (
	smLimit    = 255
	runLimit   = 255
	orderLimit = 255
	matchLimit = 1023
	mapRate    = 5
)

// What runAt holds beside the index of the probability that the last byte comes again.
const (
	runOne  = 64  // it has a one here
	runUsed = 128 // there is one
)

// certainty[s] scales the stretched probability of state s: how far its evidence goes one
// way.
var certainty [256]int32

func init() {
	for s, h := range cm.States {
		if h.N0 == 0 && h.N1 > 0 || h.N1 == 0 && h.N0 > 0 {
			certainty[s] = 1
		}
	}
}

// predict returns the 16-bit probability that the lane's next decision is a one. pm is
// the model's probability, 0 if there is no model.
func (x *Mixer) predict(l *lane, pm uint32) uint32 {
	b := l.brain
	h := &b.histories
	c0, bitpos := l.c0, ilog(l.c0)-1
	if x.atEnd {
		h = b.ends
		c0, bitpos = 0, endPos
	}
	x.choose(l, h, pm, c0, bitpos)
	d := &x.main
	n := &b.net
	if l.common.alone != nil && pm == 0 {
		n = l.common.alone
	}
	d.inputs = usedInputs(l.n)
	d.find(n) // while the contexts' inputs are made
	x.contextInputs(l, h)
	in := &x.x
	x.o0 = &b.order0[c0&255]
	x.o1 = &b.order1[uint32(l.c8&0xff)<<8|c0&255]
	in[inOrder] = stretch(x.o0.P()) << 16
	in[inOrder+1] = stretch(x.o1.P()) << 16
	in[inBias] = stretchUnit << 16
	if pm > 0 {
		st := stretch(pm)
		in[inModel+2] = stretch(b.model0.Refine(st, c0)) << 16
		in[inModel+3] = stretch(l.common.model1.Refine(st, d.maps[1])) << 16
	}
	p := d.combine(n, in)
	if x.judged && pm > 0 && l.common.alone != nil {
		x.less = x.x
		clear(x.less[inModel : inModel+numModel])
		x.without = x.main
		x.without.sets[5] = bitpos
		x.without.find(l.common.alone)
		x.pAlone = x.without.combine(l.common.alone, &x.less)
		x.pMixed = p
	}
	return p
}

// choose chooses the weights and maps for the decision, by what the matches and the model say, and
// makes their inputs. c0 are the bits so far and bitpos the position.
func (x *Mixer) choose(l *lane, h *histories, pm, c0, bitpos uint32) {
	in := &x.x
	d := &x.main
	c1 := uint32(l.c8 & 0xff)
	d.maps[1] = c0 | c1<<8
	d.maps[2] = (uint32(l.c8&0xffff)<<8 | c0) * 0x9e3779b1 >> 16
	for i, m := range l.common.maps {
		if m != nil {
			prefetchMap(m, d.maps[1+i])
		}
	}
	if pm > 0 {
		prefetchMap(&l.common.model1, d.maps[1])
	}
	mctx, expect, ebyte := uint32(0), uint32(0), uint32(0)
	for i := range l.match {
		t := &l.match[i]
		v := (*[3]int32)(in[inMatch+3*i:])
		*v = [3]int32{}
		if !t.ok {
			continue
		}
		y := uint32(0)
		if x.atEnd {
			y = x.tokens.ends.At(t.ptr)
		} else {
			y = t.byte >> (7 - bitpos) & 1
		}
		a := h.conf[i][t.ctx].P()
		sign := int32(y) - 1
		v[0] = (stretch(a) ^ sign - sign) << 16
		v[1] = ((int32(a)-32768)>>5 ^ sign - sign) << 16
		v[2] = (min(int32(t.length)*16, 1024) ^ sign - sign) << 16
		if ebyte == 0 {
			mctx = t.bucket
			expect = 1 + y
			ebyte = t.byte
		}
	}
	conf := uint32(0)
	*(*[numModel]int32)(in[inModel:]) = [numModel]int32{}
	if pm > 0 {
		st := stretch(pm)
		in[inModel] = st << 16
		in[inModel+1] = (int32(pm) - 32768) >> 5 << 16
		if st < 0 {
			st = -st
		}
		conf = 1 + min(uint32(st)/100, confidences-2)
	}
	x.withModel = pm > 0
	if x.atEnd {
		clear(in[inDirect : inDirect+numDirect])
	} else if l.bit != nil {
		x.direct = [numDirect]int32{}
		l.bitSel = l.sel
		l.bit.predictBit(x, l, &x.direct, &l.bitSel)
		for i, v := range x.direct {
			in[inDirect+i] = v << 16
		}
	}
	m := (mctx*2+min(expect, 2)>>1)*positions + bitpos
	// One by one: a literal would be copied as vectors, which has to wait for its parts.
	d.sets[0] = c0
	d.sets[1] = c1
	d.sets[2] = m
	d.sets[3] = l.hits*positions + bitpos
	d.sets[4] = uint32(l.c8 >> 8 & 0xff)
	d.sets[5] = conf*positions + bitpos
	d.sets[6] = l.classes
	d.sets[7] = ebyte>>8 + ebyte&255
	d.sets[8] = l.bitSel.a
	d.sets[9] = l.bitSel.b
	d.sets[10] = uint32(l.c8 >> 16 & 0xff)
	d.finals[0], d.finals[1], d.finals[2] = c0&255, m, l.bitSel.b
	d.maps[0], d.maps[3] = c0|expect<<8, l.bitSel.final
	if x.atEnd {
		for k, also := range byPosition {
			if k > 0 && !also {
				d.sets[k] = setSize[k] - 1
			}
		}
		d.finals[2] = selectorSize
	}
}

// prefetchMap brings the points of a map for context ctx into the cache.
func prefetchMap(a *cm.APM, ctx uint32) {
	p, first, last := a.Memory(ctx)
	at := [2]uint32{first / 64, last / 64}
	prefetchLines(unsafe.Pointer(p), at[:])
}

// contextInputs makes the inputs of the contexts.
func (x *Mixer) contextInputs(l *lane, h *histories) {
	c0 := l.c0
	bitpos := ilog(c0) - 1
	node := l.node & 15
	n := l.n
	in := &x.x
	clear(in[inCtx+inputsPerCtx*n : x.main.inputs])
	runPart := uint32(0) // of the byte: first bit, rest of the first nibble, second
	if bitpos > 0 {
		runPart += 16
	}
	if bitpos > 3 {
		runPart += 16
	}
	sm, run := h.sm[:n], l.brain.run[:n]
	for i, s := range l.slots[:n] {
		v := (*[4]int32)(in[inCtx+4*i:])
		v[3] = 0
		x.runAt[i] = 0
		if r := l.runByte[i]; r>>(8-bitpos) == c0 {
			k := (uint32(l.runCtx[i]) + runPart) & 63
			one := r >> (7 - bitpos) & 1
			sign := int32(one) - 1 // for a zero, -1: masks, not branches, as those could not be foretold
			x.runAt[i] = uint8(k | one*runOne | runUsed)
			v[3] = (stretch(run[i][k].P()) ^ sign - sign) << 16
		}
		st := s[node]
		x.states[i] = st
		known := -int32((uint32(st) + 255) >> 8) // -1 where there is a history
		p := sm[i][st].P()
		t := stretch(p) & known
		v[0] = t << 16
		v[1] = (int32(p) - 32768) >> 5 << 16 & known
		v[2] = t * certainty[st] << 16
	}
}

// decision is what a network made of the inputs, and chose its weights by.
type decision struct {
	sets   [numSets]uint32  // which vector in each set
	finals [numFinal]uint32 // and in the second layer's
	maps   [numMaps]uint32  // contexts of the maps
	inputs int              // how many there are

	off   [numSets]uint32 // where the vectors are
	xf    [numSets]int32
	ps    [numSets]uint32
	final [numFinal]*[numSets]int32 // the weights of the second layer
	pf    [numFinal]uint32          // and what each gave
}

// find finds the weight vectors of network n, and asks for them.
func (d *decision) find(n *net) {
	for k, s := range d.sets {
		d.off[k] = (base[k] + s) * numInputs
	}
	prefetchWeights(n.weights, &d.off, d.inputs)
}

// combine returns the probability that network n makes of the inputs.
func (d *decision) combine(n *net, in *inputs) uint32 {
	dots(n.weights, in, &d.xf, &d.off, d.inputs)
	for i := range d.xf {
		v := min(max(d.xf[i]>>12, -maxStretch), maxStretch)
		d.xf[i] = v
		d.ps[i] = squash(v)
	}
	d.final[0], d.final[1], d.final[2] = &n.final0[d.finals[0]], &n.final1[d.finals[1]], &n.final2[d.finals[2]]
	sum := int32(0)
	for k, set := range d.final {
		var s int64
		for i, w := range set {
			s += int64(w) * int64(d.xf[i])
		}
		t := min(max(int32(s>>28), -maxStretch), maxStretch)
		d.pf[k] = squash(t)
		sum += t
	}
	sum /= numFinal
	q0 := n.maps[0].Refine(sum, d.maps[0])
	q1 := n.maps[1].Refine(sum, d.maps[1])
	q3 := n.maps[3].Refine(sum, d.maps[3])
	p := squash(sum)
	q2 := p
	if m := n.maps[2]; m != nil {
		q2 = m.Refine(sum, d.maps[2])
	}
	p = (2*p + q0 + 2*q1 + 2*q2 + q3 + 4) / 8
	return min(max(p, 1), 65535)
}

// learn teaches network n the bit.
func (d *decision) learn(n *net, in *inputs, bit uint32) {
	target := int32(bit * 65535)
	for k, set := range d.final {
		e := int64((target - int32(d.pf[k])) * n.final)
		for i := range set {
			set[i] += int32((int64(d.xf[i])*e + 1<<5) >> 6)
		}
	}
	n.count++
	r := n.rate()
	var es [numSets]int32
	for i := range es {
		e := ((target-int32(d.ps[i]))*r + 1<<7) >> 8
		es[i] = min(max(e, -32767), 32767)
	}
	trains(n.weights, in, &es, &d.off, d.inputs)
	for _, m := range n.maps {
		if m != nil {
			m.Train(bit, mapRate)
		}
	}
}

// update teaches everything that took part in the last prediction the bit.
func (x *Mixer) update(l *lane, bit uint32) {
	node := l.node & 15
	b := l.brain
	if alone := l.common.alone; alone == nil || x.withModel {
		x.main.learn(&b.net, &x.x, bit)
		if x.judged {
			x.without.learn(alone, &x.less, bit)
			x.seen.mixed += uint64(cm.Cost(x.pMixed, bit))
			x.seen.alone += uint64(cm.Cost(x.pAlone, bit))
		}
	} else {
		x.main.learn(alone, &x.x, bit)
	}
	h := &b.histories
	if x.atEnd {
		h = b.ends
	}
	sm, run := h.sm[:l.n], b.run[:l.n]
	// What is learned of no history, or no run, is never asked.
	for i, s := range l.slots[:l.n] {
		sm[i][x.states[i]].Train(bit, smLimit)
		s[node] = cm.NextState[s[node]][bit] // the state may have changed, where contexts share a slot
		k := uint32(x.runAt[i])
		run[i][k&63].Train(^(k/runOne^bit)&1, runLimit)
	}
	x.o0.Train(bit, orderLimit)
	x.o1.Train(bit, orderLimit)
	shift := 8 - ilog(l.c0)
	for i := range l.match {
		if t := &l.match[i]; t.ok {
			hit := uint32(1)
			if x.atEnd {
				hit ^= bit ^ x.tokens.ends.At(t.ptr)
			} else if t.byte>>shift&1 != bit {
				hit = 0
				t.ok = false
			}
			h.conf[i][t.ctx].Train(hit, matchLimit)
		}
	}
	if x.withModel {
		b.model0.Train(bit, 6)
		l.common.model1.Train(bit, 6)
	}
	if l.bit != nil && !x.atEnd {
		l.bit.learnBit(x, l, bit)
	}
}

// rate is the learning rate, decaying.
func (n *net) rate() int32 {
	return n.slow + n.fast*4096/int32(4096+n.count/8)
}
