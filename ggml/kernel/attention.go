package kernel

import "math"

func scoresGeneric(s []float32, acc []int32, keys []float32, scale float32, n, stride int) float32 {
	top := float32(math.Inf(-1))
	for t := range n {
		v := float32(float32(float32(acc[t/Rows*stride+t%Rows])*keys[t]) * scale)
		s[t] = v
		top = max(top, v)
	}
	return top
}

// scoreMin is below every score, relative to the greatest, whose weight is not 0.
const scoreMin = -40

func weightsGeneric(q []int8, s, values []float32, top, full, norm float32, n, stride int) int32 {
	var sum int32
	for t := range n {
		p := Exp2(max(s[t]-top, scoreMin))
		w := int32(roundEven(float32(float32(p*full) * values[t])))
		at := t/Block*stride + t%Block
		q[at], q[at+Block] = int8(w>>7), int8(w&127)
		sum += int32(roundEven(float32(p * norm)))
	}
	for t := n; t%Block != 0; t++ {
		at := t/Block*stride + t%Block
		q[at], q[at+Block] = 0, 0
	}
	return sum
}
