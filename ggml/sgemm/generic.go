package sgemm

import (
	"math"
	"unsafe"
)

// bf16 rounds x to bfloat16, nearest even. NaNs are not preserved.
func bf16(x float32) uint32 {
	b := math.Float32bits(x)
	return (b + 0x7fff + b>>16&1) >> 16
}

// tileF32Generic is a 4x16 tile of float32 products in plain Go.
func tileF32Generic(units int, a, b *uint32, c *float32, ldc int, alpha float32, add int) {
	var acc [4][16]float32
	if units > 0 {
		as := unsafe.Slice((*float32)(unsafe.Pointer(a)), (units-1)*groupWidth+4)
		bs := unsafe.Slice((*float32)(unsafe.Pointer(b)), (units-1)*panelWidth+16)
		for u := range units {
			ar := as[u*groupWidth:][:4]
			br := bs[u*panelWidth:][:16]
			for i, x := range ar {
				row := &acc[i]
				for j, y := range br {
					row[j] += x * y
				}
			}
		}
	}
	storeGeneric(&acc, c, ldc, alpha, add)
}

// tileBF16Generic is a 4x16 tile of bfloat16 pair products in plain Go.
func tileBF16Generic(units int, a, b *uint32, c *float32, ldc int, alpha float32, add int) {
	var acc [4][16]float32
	if units > 0 {
		as := unsafe.Slice(a, (units-1)*groupWidth+4)
		bs := unsafe.Slice(b, (units-1)*panelWidth+16)
		for u := range units {
			br := bs[u*panelWidth:][:16]
			for i, x := range as[u*groupWidth:][:4] {
				x0, x1 := math.Float32frombits(x<<16), math.Float32frombits(x&0xffff0000)
				row := &acc[i]
				for j, y := range br {
					row[j] += x0*math.Float32frombits(y<<16) + x1*math.Float32frombits(y&0xffff0000)
				}
			}
		}
	}
	storeGeneric(&acc, c, ldc, alpha, add)
}

func storeGeneric(acc *[4][16]float32, c *float32, ldc int, alpha float32, add int) {
	cs := unsafe.Slice(c, 3*ldc+16)
	for i := range acc {
		row := cs[i*ldc:][:16]
		for j, v := range acc[i] {
			if add != 0 {
				row[j] += alpha * v
			} else {
				row[j] = alpha * v
			}
		}
	}
}
