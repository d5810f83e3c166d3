package hf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/llmz/llmz/ggml"
)

// writeFloats writes v in the encoding of typ. Values that are not finite are
// refused, and those that typ cannot hold: a model with one predicts nothing.
func writeFloats(w io.Writer, typ ggml.Type, v []float32) error {
	limit := map[ggml.Type]float32{ggml.F32: math.MaxFloat32, ggml.F16: maxFloat16, ggml.Q8_0: 127 * maxFloat16}[typ]
	for _, x := range v {
		switch {
		case math.IsNaN(float64(x)) || math.IsInf(float64(x), 0):
			return formatf("it holds %v", x)
		case x > limit || x < -limit:
			return formatf("it holds %v, which is beyond what type %v can hold: --type f32", x, typ)
		}
	}
	var b []byte
	switch typ {
	case ggml.F32:
		b = make([]byte, 4*len(v))
		for i, x := range v {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
		}
	case ggml.F16:
		b = make([]byte, 2*len(v))
		for i, x := range v {
			binary.LittleEndian.PutUint16(b[2*i:], ggml.Float32To16(x))
		}
	case ggml.Q8_0:
		var err error
		if b, err = ggml.QuantizeQ8_0(v); err != nil {
			return err
		}
	default:
		return fmt.Errorf("convert to %v", typ)
	}
	_, err := w.Write(b)
	return err
}

// maxFloat16 is the largest finite float16.
const maxFloat16 = 65504

// ParseType reads the name of a type that Convert can write: f32, f16 or q8_0.
func ParseType(s string) (ggml.Type, error) {
	switch strings.ToLower(s) {
	case "f32":
		return ggml.F32, nil
	case "f16":
		return ggml.F16, nil
	case "q8_0":
		return ggml.Q8_0, nil
	}
	return 0, fmt.Errorf("unknown type %q: f32, f16 or q8_0", s)
}
