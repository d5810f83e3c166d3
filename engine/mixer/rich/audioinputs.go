package rich

import "github.com/llmz/llmz/engine/content"

// audioInputs reads uncompressed sound, samples of one byte or of two with the higher one
// first. A sample is predicted from those before it and those of the other channels, by
// filters that adapt.
type audioInputs struct {
	start, frame, size int
	ch                 []audioChannel // by channel
	cur                *audioChannel  // of the sample to come, or being read
	channel            int
	second             bool  // the byte to come is the lower one of its sample
	high               int32 // the higher one
	ready              bool  // cur has been asked for the byte to come
}

// audioChannel is what is known of a channel.
type audioChannel struct {
	f   [audioFilters]nlms
	est [audioGuesses]estimate
}

const (
	audioFilters  = 3
	audioGuesses  = audioFilters + 4
	audioLong     = 32
	audioOther    = 16
	audioChannels = 8 // more are taken as if they were some of these
)

func (t *audioInputs) begin(x *Mixer, l *lane, seg content.Segment, start int) {
	t.start, t.frame, t.size = start, seg.Width, seg.Step
	t.ready, t.cur = false, nil
	if t.ch == nil {
		t.ch = make([]audioChannel, max(min(seg.Width/seg.Step, audioChannels), 1))
		for i := range t.ch {
			c := &t.ch[i]
			c.f = [audioFilters]nlms{newNLMS(16, 7), newNLMS(audioLong+audioOther, 8), newNLMS(16+audioOther/2, 6)}
			for k := range c.est {
				c.est[k].init()
			}
		}
	}
}

// sample returns the value of the sample whose first byte is d before the next one.
func (t *audioInputs) sample(x *Mixer, l *lane, d int) int32 {
	if t.size == 1 {
		return int32(x.back(l, d)) - 128
	}
	return int32(int16(x.back(l, d)<<8 | x.back(l, d-1)))
}

func (t *audioInputs) see(x *Mixer, l *lane, b byte) {
	if !t.ready {
		return
	}
	t.ready = false
	if t.size == 2 && !t.second {
		t.high = int32(b)
		return
	}
	v := int32(b) - 128
	if t.size == 2 {
		v = int32(int16(t.high<<8 | int32(b)))
	}
	v <<= 4
	c := t.cur
	for i := range c.f {
		c.f[i].learn(v - c.est[i].guess)
	}
	for i := range c.est {
		c.est[i].learnValue(v)
	}
}

func (t *audioInputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
	off := (l.pos - t.start) % t.frame
	t.second = t.size == 2 && off&1 == 1
	t.ready = true
	if t.second && t.cur != nil {
		t.high = int32(l.c8 & 0xff)
	} else {
		t.channel = off / t.size
		t.cur = &t.ch[t.channel%len(t.ch)]
		t.guess(x, l)
	}
	c := t.cur
	n := 0
	pl := uint64(t.channel)<<1 | uint64(b2i(t.second))
	add := func(a, b uint64) {
		ctx[n] = hash3(a, b, pl)
		n++
	}
	g := uint64(uint32(c.est[1].guess>>4)) & 0xffff
	g2 := uint64(uint32(c.est[2].guess>>4)) & 0xffff
	last := x.back(l, t.frame)
	if t.second {
		h := l.c8 & 0xff
		add(g, h)
		add(g2, h)
		add(h, last)
		add(g>>2, h)
		add((g-h<<8)&0xffff, 1<<32)
		return n
	}
	add(g>>8, uint64(log4(c.est[1].err)))
	add(g>>6, 1)
	add(g2>>6, 2)
	add(last, x.back(l, 2*t.frame))
	add(l.c8&0xffff, 3)
	return n
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// guess predicts the sample to come.
func (t *audioInputs) guess(x *Mixer, l *lane) {
	c := t.cur
	s := t.size
	// Differences of the channel's own samples, newest first.
	var own [audioLong + 1]int32
	d := t.frame
	for i := range own {
		own[i] = t.sample(x, l, d)
		d += t.frame
	}
	x1, x2, x3 := own[0], own[1], own[2]
	// And of another channel's: the one before in the frame, whose newest one is of the same
	// time, or the last one of the frame before.
	var other [audioOther]int32
	if t.frame > s {
		d = s
		prev := t.sample(x, l, d)
		for i := range other {
			d += t.frame
			v := t.sample(x, l, d)
			other[i] = prev - v
			prev = v
		}
	}
	for i := range audioLong {
		own[i] -= own[i+1]
	}
	copy(c.f[0].x, own[:16])
	copy(c.f[1].x, own[:audioLong])
	copy(c.f[1].x[audioLong:], other[:])
	copy(c.f[2].x, own[:16])
	copy(c.f[2].x[16:], other[:])
	for i := range c.f {
		c.est[i].guess = clampSample(x1<<4 + c.f[i].predict())
	}
	e := c.est[audioFilters:]
	e[0].guess = clampSample(x1 << 4)
	e[1].guess = clampSample((2*x1 - x2) << 4)
	e[2].guess = clampSample((3*x1 - 3*x2 + x3) << 4)
	e[3].guess = clampSample((c.est[0].guess + c.est[1].guess + c.est[2].guess) / 3)
}

func clampSample(v int32) int32 { return min(max(v, -32768<<4), 32767<<4) }

func (t *audioInputs) selectors(x *Mixer, l *lane) selectors { return selectors{} }

func (t *audioInputs) predictBit(x *Mixer, l *lane, in *[numDirect]int32, s *selectors) {
	b := int(ilog(l.c0)) - 1
	bitsLeft := 7 - b
	v := int32(l.c0) << (8 - b) & 255
	if t.size == 2 {
		if t.second {
			v |= t.high << 8
		} else {
			v <<= 8
			bitsLeft += 8
		}
		if b == 0 && !t.second {
			v = -32768
		} else {
			v = int32(int16(v))
		}
	} else {
		v -= 128
	}
	half := int32(1) << bitsLeft << 4
	mid := v<<4 + half - 8
	flip := t.size == 2 && b == 0 && !t.second // the highest bit is set where the number is negative
	c := t.cur
	for i := range c.est {
		p := c.est[i].bit(mid, half)
		if flip {
			p = -p
		}
		in[i] = p
	}
	s.a = c.est[1].at >> 3 & (selectorSize - 1)
	s.b = (c.est[2].at >> 7 & 31 << 4) | uint32(bitsLeft)
	s.final = c.est[1].at >> 2 & (finalSize - 1)
}

func (t *audioInputs) learnBit(x *Mixer, l *lane, bit uint32) {
	if t.size == 2 && l.c0 == 1 && !t.second {
		bit ^= 1
	}
	for i := range t.cur.est {
		t.cur.est[i].learn(bit)
	}
}
