package rich

import "github.com/llmz/llmz/engine/content"

// imageInputs reads images of whole bytes a pixel or channel: grey levels and colours. It
// guesses a byte from its neighbours in several ways, and predicts bits from the guesses.
type imageInputs struct {
	width, step int
	start       int
	begun       bool
	ready       bool             // a byte has been predicted, and not seen
	est         []estimate       // of numGuesses, for each channel
	lms         [maxStep][2]nlms // of each channel
	lmsGuess    [2]int32
	cur         []estimate
	plane       int
	local       uint32 // how much the neighbours differ, 0 to 15
	guess       [imageGuesses]int32
}

const (
	imageGuesses = 12
	maxStep      = 4 // channels
)

func (t *imageInputs) begin(x *Mixer, l *lane, seg content.Segment, start int) {
	t.width, t.step, t.start, t.ready = seg.Width, max(seg.Step, 1), start, false
	if t.begun {
		return
	}
	t.begun = true
	t.est = make([]estimate, maxStep*imageGuesses)
	for i := range t.est {
		t.est[i].init()
	}
	for i := range t.lms {
		t.lms[i] = [2]nlms{newNLMS(12, 9), newNLMS(24, 9)}
	}
}

func (t *imageInputs) see(x *Mixer, l *lane, b byte) {
	if !t.ready {
		return
	}
	t.ready = false
	v := int32(b) << 4
	for i := range t.cur {
		t.cur[i].learnValue(v)
	}
	f := &t.lms[t.plane]
	for i := range f {
		f[i].learn(v - t.lmsGuess[i])
	}
}

func clampByte(v int32) uint64 { return uint64(min(max(v, 0), 255)) }

func (t *imageInputs) contexts(x *Mixer, l *lane, ctx *[maxCtx]uint64) int {
	w, s := t.width, t.step
	at := func(dx, dy int) int32 { return int32(x.back(l, -dx*s+dy*w)) }
	W, WW, N, NN := at(-1, 0), at(-2, 0), at(0, 1), at(0, 2)
	NW, NE, NNE, NNW, NWW, NEE := at(-1, 1), at(1, 1), at(1, 2), at(-1, 2), at(-2, 1), at(2, 1)
	t.ready = true
	t.plane = 0
	if s > 1 {
		t.plane = (l.pos - t.start) % w % s
	}
	abs := func(v int32) int32 { return max(v, -v) }
	med := min(max(W+N-NW, min(W, N)), max(W, N))
	energy := abs(W-NW) + abs(N-NW) + abs(N-NE) + abs(W-WW)
	t.local = uint32(min(log4(uint32(energy))/2, 15))

	g := &t.guess
	*g = [imageGuesses]int32{
		med << 4, (W + N - NW) << 4, W << 4, N << 4, (W + NE) << 3, (2*N - NN) << 4, (2*W - WW) << 4, (3*(W+N) - 2*NW) << 2,
		(N + NE - NNE) << 4, (W + NE - N) << 4,
	}
	var p1, dp1 int32
	var p2 int32
	if s > 1 && t.plane > 0 {
		// What the channel before did in this pixel.
		b := func(d int) int32 { return int32(x.back(l, d)) }
		p1 = b(1)
		pW, pN, pNW := b(1+s), b(1+w), b(1+w+s)
		dp1 = p1 - min(max(pW+pN-pNW, min(pW, pN)), max(pW, pN))
		g[2] = (W + p1 - pW) << 4
		g[3] = (N + p1 - pN) << 4
		g[1] = (W + N - NW + p1 - (pW + pN - pNW)) << 4
		g[4] = (med + dp1) << 4
		g[8] = (W + N + 2*p1 - pW - pN) << 3
		if t.plane > 1 {
			p2 = b(2)
			p2W, p2N := b(2+s), b(2+w)
			g[9] = (W + N + p1 - pW + p1 - pN + p2 - p2W + p2 - p2N) << 3
			g[7] = (W + p2 - p2W) << 4
		}
	}
	f := &t.lms[t.plane]
	base := (W + N) / 2
	set := func(v []int32, vals ...int32) {
		for i, y := range vals {
			v[i] = y - base
		}
	}
	set(f[0].x[:10], W, N, NW, NE, WW, NN, NNE, NNW, NWW, NEE)
	f[0].x[10], f[0].x[11] = dp1, 8
	set(f[1].x[:14], W, N, NW, NE, WW, NN, NNE, NNW, NWW, NEE, at(-3, 0), at(0, 3), at(-2, 2), at(2, 2))
	y := f[1].x[14:]
	clear(y)
	if s > 1 {
		for i := range 2 {
			if t.plane <= i {
				break
			}
			d := 1 + i
			b := func(dx, dy int) int32 { return int32(x.back(l, d-dx*s+dy*w)) }
			v := b(0, 0)
			y[4*i], y[4*i+1], y[4*i+2], y[4*i+3] = v-b(-1, 0), v-b(0, 1), v-b(-1, 1), v-b(1, 1)
		}
	}
	y[9] = 8
	for i := range f {
		t.lmsGuess[i] = min(max(base<<4+f[i].predict(), 0), 255<<4)
		g[10+i] = t.lmsGuess[i]
	}
	t.cur = t.est[t.plane*imageGuesses : (t.plane+1)*imageGuesses]
	for i := range t.cur {
		t.cur[i].guess = min(max(g[i], -16<<4), 271<<4)
	}

	n := 0
	pl := uint64(t.plane)
	add := func(a, b, c uint64) {
		ctx[n] = hash3(a, b, c<<2|pl)
		n++
	}
	u := func(v int32) uint64 { return uint64(uint32(v)) }
	add(u(W), u(N), u(p1))
	add(u(W), u(N), u(NW)<<8|u(NE))
	add(clampByte(med), uint64(t.local), u(dp1/4))
	add(clampByte(g[10]>>4), uint64(t.local), 1)
	add(clampByte(g[11]>>4), u(p1), 2)
	add(clampByte(g[11]>>4), u(g[11]>>2&3), uint64(t.local/3))
	add(u(W), u(WW), u(p1)<<8|u(p2))
	add(u(N), u(NE), u(p1)<<8|u(p2))
	add(u(W), u(p1), u(p2))
	add(u(N), u(p1), u(p2))
	if t.plane > 0 {
		add(u(p1), u(p2), 3)
		add(u(p1), u(W-p1)&0xff, 4)
	} else {
		add(u(W), 3, 3)
		add(u(N), 4, 4)
	}
	add(clampByte(g[1]>>4), clampByte(g[4]>>4), 5)
	add(clampByte(g[5]>>4), clampByte(g[6]>>4), 6)
	add(u(W)<<24|u(N)<<16|u(NW)<<8|u(NE), u(WW)<<8|u(NN), u(p1)<<8|u(p2))
	return n
}

func (t *imageInputs) selectors(x *Mixer, l *lane) selectors {
	return selectors{}
}

func (t *imageInputs) predictBit(x *Mixer, l *lane, in *[numDirect]int32, s *selectors) {
	b := ilog(l.c0) - 1
	half := int32(128<<4) >> b
	mid := int32(l.c0<<(8-b)&255)<<4 + half
	for i := range t.cur {
		in[i] = t.cur[i].bit(mid-8, half)
	}
	a := &t.cur[11]
	s.a = a.at >> 3 & (selectorSize - 1)
	s.b = t.local*32 + b*4 + uint32(t.plane)
	s.final = t.cur[0].at >> 2 & (finalSize - 1)
}

func (t *imageInputs) learnBit(x *Mixer, l *lane, bit uint32) {
	for i := range t.cur {
		t.cur[i].learn(bit)
	}
}
