package rich

// adaptive is a probability that learns: 22 bits of probability of a one, over 10
// bits of how often it has been trained. It moves by 1/(n+1.5) of its error until
// n reaches its limit.
type adaptive uint32

// reciprocal[n] is 65536/(n+1.5).
var reciprocal [1024]uint32

func init() {
	for n := range reciprocal {
		reciprocal[n] = uint32(2 * 65536 / (2*n + 3))
	}
}

func newAdaptive(p16 uint32, n uint32) adaptive { return adaptive(p16<<16 | n) }

// p returns the 16-bit probability.
func (a adaptive) p() uint32 { return uint32(a) >> 16 }

// train moves *a towards bit.
func (a *adaptive) train(bit uint32, limit uint32) {
	v := uint32(*a)
	n := v & 1023
	p := int32(v >> 10)
	target := int32(bit<<22) - int32(bit) // 0 or 2^22-1
	p += int32((int64(target-p) * int64(reciprocal[n])) >> 16)
	if n < limit {
		n++
	}
	*a = adaptive(uint32(p)<<10 | n)
}

// apm refines a probability given a small context: per context, 33 points
// between which it interpolates in the logistic domain.
type apm struct {
	t    []uint16
	mask uint32
	idx  uint32 // the nearer point of the last refinement
}

const apmPoints = 33

func newAPM(logContexts uint) apm {
	a := apm{t: make([]uint16, apmPoints<<logContexts), mask: 1<<logContexts - 1}
	for j := 0; j < apmPoints; j++ {
		a.t[j] = uint16(squash(int32(j-16) * 128 * 3 / 2))
	}
	for i := apmPoints; i < len(a.t); i += copy(a.t[i:], a.t[:i]) {
	}
	return a
}

// refine returns the 16-bit probability for stretched probability x in context ctx.
func (a *apm) refine(x int32, ctx uint32) uint32 {
	// 33 points, 192 apart: [-3072, 3072]
	v := uint32(x + 3072)
	j := v / 192
	w := v - j*192
	i := (ctx&a.mask)*apmPoints + j
	t := a.t[i : i+2 : i+2]
	p := (uint32(t[0])*(192-w) + uint32(t[1])*w) / 192
	if w >= 96 {
		i++
	}
	a.idx = i
	return p
}

// train moves the point used last towards bit.
func (a *apm) train(bit uint32, rate uint) {
	p := int32(a.t[a.idx])
	target := int32(bit * 65535)
	a.t[a.idx] = uint16(p + (target-p)>>rate)
}
