package mixer

import "math"

// costCoder adds up the ideal code length in bits.
type costCoder struct{ cost float64 }

var costTab [65537]float64

func init() {
	for i := range costTab {
		costTab[i] = -math.Log2(float64(i) / 65536)
	}
}

func (c *costCoder) Bit(p1 uint32, bit int) int {
	if bit == 1 {
		c.cost += costTab[p1]
	} else {
		c.cost += costTab[65536-p1]
	}
	return bit
}
