package cm

// Adaptive is a probability that learns: 22 bits of probability of a one, over 10
// bits of how often it has been trained. It moves by 1/(n+1.5) of its error until
// n reaches its limit.
type Adaptive uint32

// reciprocal[n] is 65536/(n+1.5).
var reciprocal [1024]uint32

func init() {
	for n := range reciprocal {
		reciprocal[n] = uint32(2 * 65536 / (2*n + 3))
	}
}

// NewAdaptive returns probability p16, in 1/65536, as if it had been trained n times.
func NewAdaptive(p16 uint32, n uint32) Adaptive { return Adaptive(p16<<16 | n) }

// P returns the 16-bit probability.
func (a Adaptive) P() uint32 { return uint32(a) >> 16 }

// Train moves *a towards bit.
func (a *Adaptive) Train(bit uint32, limit uint32) {
	v := uint32(*a)
	n := v & 1023
	p := int32(v >> 10)
	target := int32(bit<<22) - int32(bit) // 0 or 2^22-1
	p += int32((int64(target-p) * int64(reciprocal[n])) >> 16)
	if n < limit {
		n++
	}
	*a = Adaptive(uint32(p)<<10 | n)
}

// APM refines a probability given a small context: per context, 33 points
// between which it interpolates in the logistic domain.
type APM struct {
	t    []uint16
	mask uint32
	idx  uint32 // the nearer point of the last refinement
}

// APMPoints is the number of points of a context.
const APMPoints = 33

// NewAPM returns a map that leaves probabilities as they are, for 2^logContexts contexts;
// squash turns a stretched probability into one of 16 bits.
func NewAPM(logContexts uint, squash func(int32) uint32) APM {
	a := APM{t: make([]uint16, APMPoints<<logContexts), mask: 1<<logContexts - 1}
	for j := 0; j < APMPoints; j++ {
		a.t[j] = uint16(squash(int32(j-16) * 128 * 3 / 2))
	}
	for i := APMPoints; i < len(a.t); i += copy(a.t[i:], a.t[:i]) {
	}
	return a
}

// Refine returns the 16-bit probability for stretched probability x in context ctx.
func (a *APM) Refine(x int32, ctx uint32) uint32 {
	// 33 points, 192 apart: [-3072, 3072]
	v := uint32(x + 3072)
	j := v / 192
	w := v - j*192
	i := (ctx&a.mask)*APMPoints + j
	t := a.t[i : i+2 : i+2]
	p := (uint32(t[0])*(192-w) + uint32(t[1])*w) / 192
	if w >= 96 {
		i++
	}
	a.idx = i
	return p
}

// Memory returns where its points are, and the first and the last byte of those for context ctx.
func (a *APM) Memory(ctx uint32) (p *uint16, first, last uint32) {
	first = (ctx & a.mask) * APMPoints * 2
	return &a.t[0], first, first + APMPoints*2 - 1
}

// Train moves the point used last towards bit.
func (a *APM) Train(bit uint32, rate uint) {
	p := int32(a.t[a.idx])
	target := int32(bit * 65535)
	a.t[a.idx] = uint16(p + (target-p)>>rate)
}
