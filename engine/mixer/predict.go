package mixer

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
		p := a.p()
		in[2*i] = stretch(p)
		in[2*i+1] = (int32(p) - 32768) >> 6
	}
	c1 := uint32(l.c8 & 0xff)
	x.o0 = &own.order0[l.group*16+node]
	x.o1 = &own.order1[c1*groups*16+l.group*16+node]
	x.o2 = &x.order2[l.base2+node]
	in[inOrder] = stretch(x.o0.p())
	in[inOrder+1] = stretch(x.o1.p())
	in[inOrder+2] = stretch(x.o2.p())

	mctx := uint32(0)
	expect := uint32(0)
	ebyte := uint32(0)
	for i := range l.match {
		t := &l.match[i]
		in[inMatch+2*i], in[inMatch+2*i+1] = 0, 0
		if !t.ok {
			continue
		}
		y := x.endAt(t.ptr)
		if m != modeEnd {
			y = t.byte >> (7 - bitpos) & 1
		}
		a := x.matches[i].conf[m>>1][t.ctx].p()
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
		a0 := own.modelAPM.refine(st, c0)
		a1 := x.modelAPM.refine(st, c0|c1<<8)
		in[inModel+2] = stretch(a0)
		in[inModel+3] = stretch(a1)
		if st < 0 {
			st = -st
		}
		conf = min(uint32(st)/128, 15)
	}

	x.off[0] = (x.base[0] + m*256 + c0) * numInputs
	x.off[1] = (x.base[1] + m*256 + c1) * numInputs
	x.off[2] = (x.base[2] + m*matchBuckets*16 + mctx) * numInputs
	x.off[3] = (x.base[3] + m*64 + l.hits*8 + bitpos) * numInputs
	x.off[4] = (x.base[4] + m*256 + uint32(l.c8>>8&0xff)) * numInputs
	x.off[5] = (x.base[5] + (m*16+conf)*8 + bitpos) * numInputs
	x.off[6] = (x.base[6] + m*512 + l.classes) * numInputs
	x.off[7] = (x.base[7] + m*256 + ebyte) * numInputs
	if x.drop != 0 {
		x.dropInputs()
	}
	dots(own.weights, in, &x.xf, &x.off)
	for i := range x.xf {
		d := x.xf[i] >> 12
		d = min(max(d, -maxStretch), maxStretch)
		x.xf[i] = d
		x.ps[i] = squash(d)
	}
	x.fidx = int(m*256 + c0)
	x.final = [numFinal]*[numSets]int32{&own.byBits[x.fidx], &own.byMatch[mctx]}
	d := int32(0)
	for k, set := range x.final {
		var s int64
		for i, w := range set {
			s += int64(w) * int64(x.xf[i])
		}
		t := min(max(int32(s>>20), -maxStretch), maxStretch)
		x.pf[k] = squash(t)
		d += t
	}
	d >>= 1
	q0 := own.finalAPM.refine(d, c0|(m*2+min(expect, 1))<<8)
	q1 := x.byteAPM.refine(d, c0|c1<<8)
	if x.drop&partAPM != 0 {
		return min(max(squash(d), 1), 65535)
	}
	p := (squash(d) + q0 + q1*2 + 2) / 4
	return min(max(p, 1), 65535)
}

// update teaches everything that took part in the last prediction the bit.
func (x *Mixer) update(l *lane, m, bit uint32) {
	node := l.node
	target := int32(bit * 65535)
	for k, set := range x.final {
		e := int64(target - int32(x.pf[k]))
		for i := range set {
			set[i] += int32((int64(x.xf[i])*e + 1<<13) >> 14)
		}
	}
	own := l.own
	own.count++
	r := own.rate()
	var es [numSets]int32
	for i := range es {
		es[i] = ((target-int32(x.ps[i]))*r + 1<<7) >> 8
	}
	trains(own.weights, &x.x, &es, &x.off)
	for i := range l.slots {
		s := &l.slots[i][node&15]
		if *s != 0 {
			x.smp[i].train(bit, smLimit)
		}
		*s = nextState[*s][bit]
	}
	x.o0.train(bit, orderLimit)
	x.o1.train(bit, orderLimit)
	x.o2.train(bit, orderLimit)
	for i := range l.match {
		t := &l.match[i]
		if t.ok {
			hit := uint32(1)
			if m == modeEnd {
				hit ^= bit ^ x.endAt(t.ptr)
			} else if t.byte>>(8-ilog(l.c0))&1 != bit {
				hit = 0
				t.ok = false
			}
			x.matches[i].conf[m>>1][t.ctx].train(hit, matchLimit)
		}
	}
	own.finalAPM.train(bit, 6)
	x.byteAPM.train(bit, 6)
	if x.cfg.Model {
		own.modelAPM.train(bit, 6)
		x.modelAPM.train(bit, 6)
	}
}

// rate is the learning rate, decaying.
func (o *own) rate() int32 {
	return 60 + 300*4096/int32(4096+o.count/8)
}
