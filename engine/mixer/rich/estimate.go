package rich

import (
	"math/bits"

	"github.com/llmz/llmz/engine/mixer/cm"
)

// An estimate predicts the bits of a number, highest first, from a guess of its value: how
// likely the upper half of the interval is that the bits so far leave depends on how far its
// middle is from the guess, and on how wide it is, both in units of the guess's usual error.
// So what it learns of one size of numbers holds for all.
//
// Values are in sixteenths.
type estimate struct {
	guess int32
	err   uint32 // mean absolute error, in sixteenths of a unit of guess
	at    uint32
	tab   [estimateWidths * estimateFar * 2]cm.Adaptive
}

const (
	estimateWidths = 32
	estimateFar    = 64
	estimateLimit  = 255
)

func (e *estimate) init() {
	e.err = 16 << 6
	fill(e.tab[:], cm.NewAdaptive(32768, 0))
}

// log4 returns 4·log2(x), rounded down, at least 0.
func log4(x uint32) int32 {
	x |= 1
	n := bits.Len32(x) - 1
	f := x << (31 - n) >> 29 & 3
	return int32(n)<<2 | int32(f)
}

// bit returns the stretched probability that the number is at least mid, given that it is
// within half of it.
func (e *estimate) bit(mid, half int32) int32 {
	d := e.guess - mid
	sign := uint32(0)
	if d < 0 {
		d = -d
		sign = 1
	}
	s := log4(e.err>>4 + 1)
	far := min(max(log4(uint32(d))-s+36, 0), estimateFar-1)
	wide := min(max((log4(uint32(half))-s)/2+18, 0), estimateWidths-1)
	e.at = (uint32(wide)*estimateFar+uint32(far))*2 + sign
	return stretch(e.tab[e.at].P())
}

// learn takes the bit.
func (e *estimate) learn(bit uint32) { e.tab[e.at].Train(bit, estimateLimit) }

// learnValue takes the number.
func (e *estimate) learnValue(v int32) {
	d := e.guess - v
	if d < 0 {
		d = -d
	}
	e.err += uint32((int64(min(d, 1<<20))<<4 - int64(e.err)) >> 4)
}

// nlms predicts a number as a weighted sum of others, and moves the weights by the
// normalised least mean squares rule. Weights are 16.16.
type nlms struct {
	w      []int32
	x      []int32
	energy int64
	rate   uint // the step is 2^-rate
}

func newNLMS(n int, rate uint) nlms {
	return nlms{w: make([]int32, n), x: make([]int32, n), rate: rate}
}

// predict returns the weighted sum of x in sixteenths.
func (f *nlms) predict() int32 {
	s, e := int64(0), int64(0)
	for i, x := range f.x {
		s += int64(f.w[i]) * int64(x)
		e += int64(x) * int64(x)
	}
	f.energy = e
	return int32(min(max(s>>12, -1<<27), 1<<27))
}

// learn takes how far the number was above what was predicted, in sixteenths.
func (f *nlms) learn(err int32) {
	g := int64(err) << (28 - f.rate) / (f.energy + int64(len(f.x))*8 + 1)
	g = min(max(g, -1<<30), 1<<30)
	for i, x := range f.x {
		w := int64(f.w[i]) + (g*int64(x)+1<<15)>>16
		f.w[i] = int32(min(max(w, -1<<24), 1<<24))
	}
}
