package convert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/llmz/llmz/ggml"
)

// readSafetensors reads a safetensors file: the length of the header (uint64), the
// header as JSON (name: dtype, shape, offsets into the rest), the tensors.
func readSafetensors(b []byte) (map[string]Tensor, error) {
	if len(b) < 8 {
		return nil, weightsError("safetensors: file of %d bytes", len(b))
	}
	size := binary.LittleEndian.Uint64(b)
	if size > uint64(len(b)-8) {
		return nil, weightsError("safetensors: header of %d bytes in a file of %d", size, len(b))
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(b[8:8+size], &header); err != nil {
		return nil, weightsError("safetensors: header: %w", err)
	}
	body := b[8+size:]
	out := map[string]Tensor{}
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var t struct {
			DType   string    `json:"dtype"`
			Shape   []int     `json:"shape"`
			Offsets [2]uint64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, weightsError("safetensors: tensor %q: %w", name, err)
		}
		if t.Offsets[0] > t.Offsets[1] || t.Offsets[1] > uint64(len(body)) {
			return nil, weightsError("safetensors: tensor %q lies outside the file", name)
		}
		data, err := floats(t.DType, body[t.Offsets[0]:t.Offsets[1]])
		if err != nil {
			return nil, weightsError("safetensors: tensor %q: %w", name, err)
		}
		out[name] = Tensor{Shape: t.Shape, Data: data}
	}
	return out, nil
}

// floats converts little-endian values of a type that safetensors and PyTorch
// name.
func floats(dtype string, b []byte) ([]float32, error) {
	types := map[string]ggml.Type{
		"F64": ggml.F64, "F32": ggml.F32, "F16": ggml.F16, "BF16": ggml.BF16,
		"DoubleStorage": ggml.F64, "FloatStorage": ggml.F32, "HalfStorage": ggml.F16, "BFloat16Storage": ggml.BF16,
	}
	t, ok := types[dtype]
	if !ok {
		return nil, fmt.Errorf("values of type %s", dtype)
	}
	return ggml.Dequantize(t, b)
}
