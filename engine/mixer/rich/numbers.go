package rich

// numberGuess predicts numbers of four bytes, the highest first, from the ones before: as
// integers, and as floating-point numbers, whose bits are in the same order but for the sign.
type numberGuess struct {
	est   [2][numberGuesses]estimate
	f     [2]nlms
	start int
	off   int // of the byte to come in its number
	raw   uint32
	ready bool
}

const (
	numberGuesses = 3
	numberPast    = 12
)

func newNumberGuess() *numberGuess {
	g := new(numberGuess)
	for m := range g.est {
		g.f[m] = newNLMS(numberPast, 6)
		for i := range g.est[m] {
			g.est[m][i].init()
		}
	}
	return g
}

// ordered maps the bits of a number to 24 bits that are in its order: m is 0 for integers.
func ordered(raw uint32, m int) int32 {
	if m == 1 && raw>>31 == 1 {
		return int32(^raw >> 8)
	}
	return int32((raw ^ 1<<31) >> 8)
}

func (g *numberGuess) begin(start int) { g.start, g.ready = start, false }

// next prepares for the byte at l.pos.
func (g *numberGuess) next(x *Mixer, l *lane) {
	off := (l.pos - g.start) & 3
	if off > 0 && g.ready {
		g.off, g.raw = off, g.raw<<8|uint32(l.c8&0xff)
		return
	}
	g.ready = off == 0
	if off > 0 {
		return // in the middle of a number that it has not seen begin
	}
	g.off, g.raw = 0, 0
	var past [numberPast + 1]uint32
	for i := range past {
		d := 4 * (i + 1)
		past[i] = uint32(x.back(l, d)<<24 | x.back(l, d-1)<<16 | x.back(l, d-2)<<8 | x.back(l, d-3))
	}
	for m := range g.est {
		x1, x2 := ordered(past[0], m), ordered(past[1], m)
		prev := x1
		for i := range numberPast {
			v := ordered(past[i+1], m)
			g.f[m].x[i] = prev - v
			prev = v
		}
		e := &g.est[m]
		e[0].guess = x1 << 4
		e[1].guess = clampNumber(int64(2*x1-x2) << 4)
		e[2].guess = clampNumber(int64(x1)<<4 + int64(g.f[m].predict()))
	}
}

func clampNumber(v int64) int32 { return int32(min(max(v, 0), 1<<28-1)) }

// see takes a byte.
func (g *numberGuess) see(b byte) {
	if !g.ready || g.off < 3 {
		return
	}
	raw := g.raw<<8 | uint32(b)
	for m := range g.est {
		v := ordered(raw, m) << 4
		g.f[m].learn(v - g.est[m][2].guess)
		for i := range g.est[m] {
			g.est[m][i].learnValue(v)
		}
	}
}

// flips tells whether a one means the lower half.
func (g *numberGuess) flips(c0 uint32, m int) bool {
	if g.off == 0 && c0 == 1 {
		return true
	}
	if g.off == 0 {
		return m == 1 && c0>>(ilog(c0)-2)&1 == 1
	}
	return m == 1 && g.raw>>(8*g.off-1)&1 == 1
}

// best returns the estimate that is likely to be the best, nil where there is none.
func (g *numberGuess) best() *estimate {
	if !g.ready || g.off > 2 {
		return nil
	}
	return &g.est[0][2]
}

func (g *numberGuess) predict(c0 uint32, in []int32) {
	if !g.ready || g.off > 2 {
		return
	}
	b := ilog(c0) - 1
	known := uint(8*g.off) + uint(b)
	raw := uint32(uint64(g.raw)<<8|uint64(c0<<(8-b)&255)) << (24 - 8*g.off)
	half := int32(1) << (23 - known) << 4
	for m := range g.est {
		u := ordered(raw, m)
		if m == 1 && raw>>31 == 1 && known > 0 {
			u &^= 1<<(24-known) - 1
		}
		if known == 0 {
			u = 0
		}
		flip := g.flips(c0, m)
		for i := range g.est[m] {
			p := g.est[m][i].bit(u<<4+half-8, half)
			if flip {
				p = -p
			}
			in[m*numberGuesses+i] = p
		}
	}
}

func (g *numberGuess) learnBit(c0, bit uint32) {
	if !g.ready || g.off > 2 {
		return
	}
	for m := range g.est {
		y := bit
		if g.flips(c0, m) {
			y ^= 1
		}
		for i := range g.est[m] {
			g.est[m][i].learn(y)
		}
	}
}
