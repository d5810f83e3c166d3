package ggml

import (
	"encoding/binary"
	"fmt"
	"math"
)

// QK8_0 is the number of elements in a block of type Q8_0.
const QK8_0 = 32

// QuantizeRows quantises a matrix of rows x cols float32 values, row after row,
// to int8 with one scale per row:
//
//	scale[r] = max |src[r]| / 127            rounded to float32
//	q[r][c]  = src[r][c] / scale[r]          rounded to float32, then to the
//	                                         nearest integer, ties to even,
//	                                         and clamped to [-127, 127]
//
// A row whose scale is zero becomes zeros. The result is the same on every
// machine. Values that are not finite are an error.
func QuantizeRows(src []float32, rows, cols int) (q []int8, scale []float32, err error) {
	if rows < 0 || cols < 1 || len(src) != rows*cols {
		return nil, nil, fmt.Errorf("ggml: quantise %d values as %d x %d", len(src), rows, cols)
	}
	q = make([]int8, len(src))
	scale = make([]float32, rows)
	for r := range rows {
		row := src[r*cols : (r+1)*cols]
		var m float32
		for c, v := range row {
			if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
				return nil, nil, fmt.Errorf("ggml: quantise: row %d column %d is not finite", r, c)
			}
			m = max(m, abs32(v))
		}
		s := m / 127
		scale[r] = s
		if s == 0 {
			continue
		}
		dst := q[r*cols : (r+1)*cols]
		for c, v := range row {
			dst[c] = int8(min(max(roundEven32(v/s), -127), 127))
		}
	}
	return q, scale, nil
}

// QuantizeQ8_0 encodes src as blocks of type Q8_0, whose number of elements must
// be a multiple of QK8_0: d = max |x| / 127 as float16, q = x * (1/d) rounded
// half away from zero, as ggml's reference does.
func QuantizeQ8_0(src []float32) ([]byte, error) {
	if len(src)%QK8_0 != 0 {
		return nil, fmt.Errorf("ggml: Q8_0 needs a multiple of %d values, not %d", QK8_0, len(src))
	}
	out := make([]byte, 0, len(src)/QK8_0*Q8_0.BlockBytes())
	for len(src) > 0 {
		var m float32
		for _, v := range src[:QK8_0] {
			m = max(m, abs32(v))
		}
		d := m / 127
		var id float32
		if d > 0x1p-127 { // the inverse of less is no finite number
			id = 1 / d
		}
		out = binary.LittleEndian.AppendUint16(out, Float32To16(d))
		for _, v := range src[:QK8_0] {
			x := math.Round(float64(float32(v * id)))
			out = append(out, byte(int8(min(max(x, -127), 127))))
		}
		src = src[QK8_0:]
	}
	return out, nil
}

// Dequantize converts the little-endian tensor data b of type t to float32.
// Integers are converted as they are: their scales live in another tensor.
func Dequantize(t Type, b []byte) ([]float32, error) {
	if !t.Known() {
		return nil, fmt.Errorf("ggml: cannot convert %v to float32", t)
	}
	if len(b)%t.BlockBytes() != 0 {
		return nil, fmt.Errorf("ggml: %d bytes are not whole blocks of %v", len(b), t)
	}
	out := make([]float32, len(b)/t.BlockBytes()*t.BlockSize())
	DequantizeTo(out, t, b)
	return out, nil
}

// DequantizeTo is Dequantize for a known type and as many bytes as dst wants.
func DequantizeTo(dst []float32, t Type, b []byte) {
	le := binary.LittleEndian
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(b[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = Float16To32(le.Uint16(b[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = BFloat16To32(le.Uint16(b[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(b[8*i:])))
		}
	case I8:
		for i := range dst {
			dst[i] = float32(int8(b[i]))
		}
	case I16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(b[2*i:])))
		}
	case I32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(b[4*i:])))
		}
	case I64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(b[8*i:])))
		}
	case Q8_0:
		const size = 2 + QK8_0
		for i := 0; i < len(dst); i += QK8_0 {
			blk := (*[size]byte)(b[i/QK8_0*size:])
			d := Float16To32(le.Uint16(blk[:]))
			out := (*[QK8_0]float32)(dst[i:])
			for j := range out {
				out[j] = float32(int8(blk[2+j])) * d
			}
		}
	}
}

// roundEven32 rounds to the nearest integer, ties to even. Exact and the same on
// every machine.
func roundEven32(x float32) float32 { return float32(math.RoundToEven(float64(x))) }

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }
