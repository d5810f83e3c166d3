package rich

// The mixing network: sets of weights, each chosen by its own small context, each giving
// one stretched probability from the same inputs; a second layer combines these.
//
// Weights are 4.28 fixed point in int32, kept within ±4; inputs are stretched probabilities
// (1/256 nat) within ±maxStretch, held in the upper half of an int32. Products use the
// weight's upper 16 bits and sums are int32 with wrap-around, so every implementation gives
// the same bits.

const (
	numInputs  = 192 // at most, a multiple of inputChunk
	inputChunk = 16  // the products go through so many at a time
	numSets    = 11

	weightOne = 1 << 28
	weightMax = 1<<30 - 1
)

type inputs [numInputs]int32

// dotsGeneric computes out[k] = sum over i < n of (w[off[k]+i]>>16)*(x[i]>>16), which is 1/4096 of
// x's unit. n is a multiple of 16, at least 16.
func dotsGeneric(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32, n int) {
	for k, o := range off {
		v := (*inputs)(w[o:])
		var s int32
		for i := range n {
			s += (v[i] >> 16) * (x[i] >> 16)
		}
		out[k] = s
	}
}

// trainsGeneric adds ((x[i]>>16)*e[k]+2)>>2 to w[off[k]+i] for i < n, |e| < 2^15, clamped to ±weightMax.
func trainsGeneric(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32, n int) {
	for k, o := range off {
		v := (*inputs)(w[o:])
		for i := range n {
			v[i] = min(max(v[i]+((x[i]>>16)*e[k]+2)>>2, -weightMax), weightMax)
		}
	}
}
