package kernel

import "math"

func matMulMXGeneric(acc []int32, w, a []int8, shifts []uint32, _ []int32, panels, lanes, stride, groups int) {
	const blocks = Group / Block
	size := groups * Rows * Group
	for p := range panels {
		panel := w[p*size : (p+1)*size]
		for l := range lanes {
			total := (*[Rows]int32)(acc[(p*lanes+l)*Rows:])
			clear(total[:])
			for g := range groups {
				var sum [Rows]int32
				for b := g * blocks; b < (g+1)*blocks; b++ {
					x := (*[Block]int8)(a[(b*stride+l)*Block:])
					wb := (*[Rows * Block]int8)(panel[b*Rows*Block:])
					for c := 0; c < Block; c += 4 {
						x0, x1, x2, x3 := int32(x[c]), int32(x[c+1]), int32(x[c+2]), int32(x[c+3])
						for r := range Rows {
							v := wb[(c*Rows)+4*r : (c*Rows)+4*r+4 : (c*Rows)+4*r+4]
							sum[r] += int32(v[0])*x0 + int32(v[1])*x1 + int32(v[2])*x2 + int32(v[3])*x3
						}
					}
				}
				s := shifts[g*stride+l]
				for r := range Rows {
					total[r] += sum[r] << s
				}
			}
		}
	}
}

// clampLimit returns x, or the end of [-Limit, Limit] it lies beyond.
func clampLimit(x float32) float32 { return min(max(x, -Limit), Limit) }

func dequantMXGeneric(dst []float32, acc []int32, scale, bias, base []float32, lanes, stride int) {
	s, b := (*[Rows]float32)(scale), (*[Rows]float32)(bias)
	for l := range lanes {
		y, v := (*[Rows]float32)(dst[l*stride:]), (*[Rows]int32)(acc[l*Rows:])
		for r := range Rows {
			y[r] = clampLimit(float32(float32(float32(v[r])*s[r])*base[l]) + b[r])
		}
	}
}

func addMXGeneric(dst []float32, acc []int32, scale, bias, base []float32, lanes, stride int) {
	s, b := (*[Rows]float32)(scale), (*[Rows]float32)(bias)
	for l := range lanes {
		y, v := (*[Rows]float32)(dst[l*stride:]), (*[Rows]int32)(acc[l*Rows:])
		for r := range Rows {
			y[r] = clampLimit(y[r] + clampLimit(float32(float32(float32(v[r])*s[r])*base[l])+b[r]))
		}
	}
}

// Exponents of activations: that of the greatest value of a lane is kept in
// [minExponent, maxExponent], so that all powers of two are normal numbers.
const (
	minExponent = -60
	maxExponent = 40
)

// Exponent returns the exponent e of the block scale 2^e of values whose greatest
// magnitude is m: that of m, less 6, so that m/2^e lies in [64, 128).
func Exponent(m float32) int {
	e := int(math.Float32bits(m)>>23) - 127 - 6
	return min(max(e, minExponent), maxExponent)
}

// Pow2 returns 2^e for e in [-126, 127].
func Pow2(e int) float32 { return math.Float32frombits(uint32(e+127) << 23) }

// RoundInt8 returns x rounded to the nearest integer, ties to even, and clamped to
// [-127, 127].
func RoundInt8(x float32) int8 { return int8(roundEven(min(max(x, -127), 127))) }

func maxAbs(x []float32) float32 {
	var m uint32
	for _, v := range x {
		m = max(m, math.Float32bits(v)&^(1<<31))
	}
	return math.Float32frombits(m)
}

func quantizeMXGeneric(q []int8, shifts []uint32, x []float32, stride, groups, top int) (float32, int32) {
	x = x[:groups*Group]
	var total int32
	base := Exponent(maxAbs(x)) - top
	for g := range groups {
		v := x[g*Group : (g+1)*Group]
		s := max(Exponent(maxAbs(v))-base, 0)
		shifts[g*stride] = uint32(s)
		f := Pow2(-base - s)
		var sum int32
		for b := 0; b < Group; b += Block {
			y, d := (*[Block]float32)(v[b:]), (*[Block]int8)(q[(g*Group+b)*stride:])
			for i, v := range y {
				d[i] = RoundInt8(float32(v * f))
				sum += int32(d[i])
			}
		}
		total += sum << s
	}
	return Pow2(base), total
}

func roundInt8sGeneric(dst []int8, x []float32, f float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = RoundInt8(float32(x[i] * f))
	}
}
