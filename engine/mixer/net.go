package mixer

// The mixing network: sets of weights, each chosen by its own small context, each
// giving one stretched probability from the same inputs; a second layer combines
// these.
//
// Weights are 12.20 fixed point in int32, kept within ±8; inputs are stretched
// probabilities (1/256 nat) in int32, within ±maxStretch. Sums are int32 with
// wrap-around, products use the weight's upper 24 bits, so every implementation
// gives the same bits.

const (
	numInputs = 40 // padded to a multiple of 8
	numSets   = 8
	numFinal  = 2 // weight vectors of the second layer, whose outputs are averaged

	weightOne = 1 << 20
	weightMax = 8*weightOne - 1
)

type inputs [numInputs]int32

// dotsGeneric computes out[k] = sum over i of (w[off[k]+i]>>8)*x[i], which is
// 1/4096 of x's unit.
func dotsGeneric(w []int32, x *inputs, out *[numSets]int32, off *[numSets]uint32) {
	for k, o := range off {
		v := (*inputs)(w[o:])
		var s int32
		for i := range v {
			s += (v[i] >> 8) * x[i]
		}
		out[k] = s
	}
}

// trainsGeneric adds (x[i]*e[k] + 2^9) >> 10 to w[off[k]+i]. |e| < 2^18.
func trainsGeneric(w []int32, x *inputs, e *[numSets]int32, off *[numSets]uint32) {
	for k, o := range off {
		v := (*inputs)(w[o:])
		for i := range v {
			v[i] = min(max(v[i]+(x[i]*e[k]+1<<9)>>10, -weightMax), weightMax)
		}
	}
}
