package mixer

import "github.com/llmz/llmz/engine/mixer/cm"

// setSize is the number of weight vectors in each set.
var setSize = [numSets]int{
	modes * 256, modes * 256, modes * matchBuckets * 16, modes * 64, modes * 256, modes * 16 * 8, modes * 512, modes * 256,
}

const (
	smLimit    = 511
	orderLimit = 1023
	matchLimit = 1023
)

// predict returns the 16-bit probability that the lane's next decision is a one. m
// is the way of reading contexts: the lane's mode for the bits of a byte, or
// modeEnd; pm is the model's probability, 0 if there is no model.
func (x *Mixer) predict(l *lane, m, pm uint32) uint32 {
	c0, bitpos := l.c0, ilog(l.c0)-1
	if m == modeEnd {
		c0, bitpos = 0, 0
	}
	node := l.node
	own := l.own
	sm := &own.sm[m]
	in := &x.x
	for i := range l.slots {
		st := l.slots[i][node&15]
		a := &sm[i][st]
		x.smp[i] = a
		if st == 0 {
			in[2*i] = 0
			in[2*i+1] = 0
			continue
		}
		p := a.P()
		in[2*i] = stretch(p)
		in[2*i+1] = (int32(p) - 32768) >> 6
	}
	c1 := uint32(l.c8 & 0xff)
	x.o0 = &own.order0[l.group*16+node]
	x.o1 = &own.order1[c1*groups*16+l.group*16+node]
	x.o2 = &x.order2[l.base2+node]
	in[inOrder] = stretch(x.o0.P())
	in[inOrder+1] = stretch(x.o1.P())
	in[inOrder+2] = stretch(x.o2.P())

	mctx := uint32(0)
	expect := uint32(0)
	ebyte := uint32(0)
	for i := range l.match {
		t := &l.match[i]
		in[inMatch+2*i], in[inMatch+2*i+1] = 0, 0
		if !t.ok {
			continue
		}
		y := x.tokens.ends.At(t.ptr)
		if m != modeEnd {
			y = t.byte >> (7 - bitpos) & 1
		}
		a := x.matches[i].conf[m>>1][t.ctx].P()
		st := stretch(a)
		lin := (int32(a) - 32768) >> 5
		if y == 0 {
			st, lin = -st, -lin
		}
		in[inMatch+2*i], in[inMatch+2*i+1] = st, lin
		mctx = 1 + t.ctx%(matchBuckets*16-1)
		expect = 1 + y
		ebyte = t.byte
	}
	conf := uint32(0)
	if pm > 0 {
		st := stretch(pm)
		in[inModel] = st
		in[inModel+1] = (int32(pm) - 32768) >> 5
		a0 := own.modelAPM.Refine(st, c0)
		a1 := x.modelAPM.Refine(st, c0|c1<<8)
		in[inModel+2] = stretch(a0)
		in[inModel+3] = stretch(a1)
		if st < 0 {
			st = -st
		}
		conf = min(uint32(st)/128, 15)
	}

	d := &x.main
	d.off[0] = (x.base[0] + m*256 + c0) * numInputs
	d.off[1] = (x.base[1] + m*256 + c1) * numInputs
	d.off[2] = (x.base[2] + m*matchBuckets*16 + mctx) * numInputs
	d.off[3] = (x.base[3] + m*64 + l.hits*8 + bitpos) * numInputs
	d.off[4] = (x.base[4] + m*256 + uint32(l.c8>>8&0xff)) * numInputs
	d.off[5] = (x.base[5] + (m*16+conf)*8 + bitpos) * numInputs
	d.off[6] = (x.base[6] + m*512 + l.classes) * numInputs
	d.off[7] = (x.base[7] + m*256 + ebyte) * numInputs
	if x.drop != 0 {
		x.dropInputs()
	}
	d.bits, d.match = m*256+c0, mctx
	d.finalCtx, d.byteCtx = c0|(m*2+min(expect, 1))<<8, c0|c1<<8
	x.withModel = pm > 0
	if x.alone == nil {
		return x.combine(d, &own.net, &x.byteAPM, in)
	}
	if pm == 0 {
		clear(in[inModel : inModel+4])
		return x.combine(d, x.alone, &x.aloneAPM, in)
	}
	p := x.combine(d, &own.net, &x.byteAPM, in)
	if x.cfg.Stretches {
		x.judged = l == x.judge
	}
	if x.judged {
		x.less = x.x
		clear(x.less[inModel : inModel+4])
		x.without = x.main
		x.without.off[5] = (x.base[5] + m*16*8 + bitpos) * numInputs
		x.pAlone = x.combine(&x.without, x.alone, &x.aloneAPM, &x.less)
		x.pMixed = p
	}
	return p
}

// decision is what a network made of the inputs, and chose its weights by.
type decision struct {
	off               [numSets]uint32 // the weight vector chosen in each set
	xf                [numSets]int32
	ps                [numSets]uint32
	final             [numFinal]*[numSets]int32 // the weights of the second layer
	pf                [numFinal]uint32          // and what each gave
	bits, match       uint32                    // which they are chosen by
	finalCtx, byteCtx uint32                    // contexts of the maps
}

// combine returns the probability that network n and the maps make of the inputs.
func (x *Mixer) combine(d *decision, n *net, byteAPM *cm.APM, in *inputs) uint32 {
	dots(n.weights, in, &d.xf, &d.off)
	for i := range d.xf {
		v := d.xf[i] >> 12
		v = min(max(v, -maxStretch), maxStretch)
		d.xf[i] = v
		d.ps[i] = squash(v)
	}
	d.final = [numFinal]*[numSets]int32{&n.byBits[d.bits], &n.byMatch[d.match]}
	sum := int32(0)
	for k, set := range d.final {
		var s int64
		for i, w := range set {
			s += int64(w) * int64(d.xf[i])
		}
		t := min(max(int32(s>>20), -maxStretch), maxStretch)
		d.pf[k] = squash(t)
		sum += t
	}
	sum >>= 1
	q0 := n.finalAPM.Refine(sum, d.finalCtx)
	q1 := byteAPM.Refine(sum, d.byteCtx)
	if x.drop&partAPM != 0 {
		return min(max(squash(sum), 1), 65535)
	}
	p := (squash(sum) + q0 + q1*2 + 2) / 4
	return min(max(p, 1), 65535)
}

// learn teaches network n and the maps the bit, after combine.
func (d *decision) learn(n *net, byteAPM *cm.APM, in *inputs, bit uint32) {
	target := int32(bit * 65535)
	for k, set := range d.final {
		e := int64(target - int32(d.pf[k]))
		for i := range set {
			set[i] += int32((int64(d.xf[i])*e + 1<<13) >> 14)
		}
	}
	n.count++
	r := n.rate()
	var es [numSets]int32
	for i := range es {
		es[i] = ((target-int32(d.ps[i]))*r + 1<<7) >> 8
	}
	trains(n.weights, in, &es, &d.off)
	n.finalAPM.Train(bit, 6)
	byteAPM.Train(bit, 6)
}

// update teaches everything that took part in the last prediction the bit.
func (x *Mixer) update(l *lane, m, bit uint32) {
	node := l.node
	own := l.own
	switch {
	case x.alone == nil || x.withModel:
		x.main.learn(&own.net, &x.byteAPM, &x.x, bit)
		if x.judged {
			x.without.learn(x.alone, &x.aloneAPM, &x.less, bit)
			x.compare(bit)
		}
	case !x.unlearned:
		x.main.learn(x.alone, &x.aloneAPM, &x.x, bit)
	}
	for i := range l.slots {
		s := &l.slots[i][node&15]
		if *s != 0 {
			x.smp[i].Train(bit, smLimit)
		}
		*s = cm.NextState[*s][bit]
	}
	x.o0.Train(bit, orderLimit)
	x.o1.Train(bit, orderLimit)
	x.o2.Train(bit, orderLimit)
	for i := range l.match {
		t := &l.match[i]
		if t.ok {
			hit := uint32(1)
			if m == modeEnd {
				hit ^= bit ^ x.tokens.ends.At(t.ptr)
			} else if t.byte>>(8-ilog(l.c0))&1 != bit {
				hit = 0
				t.ok = false
			}
			x.matches[i].conf[m>>1][t.ctx].Train(hit, matchLimit)
		}
	}
	if x.withModel {
		own.modelAPM.Train(bit, 6)
		x.modelAPM.Train(bit, 6)
	}
}

// rate is the learning rate, decaying.
func (o *net) rate() int32 {
	return 60 + 300*4096/int32(4096+o.count/8)
}
