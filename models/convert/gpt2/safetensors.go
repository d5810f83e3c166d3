package gpt2

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
)

// maxHeader bounds the JSON header of a safetensors file, as its
// specification does.
const maxHeader = 100 << 20

// readSafetensors reads the header of a safetensors file: a length of 8 bytes,
// JSON, then the tensors' data.
func readSafetensors(f *os.File, size int64) (map[string]tensor, error) {
	return parseSafetensors(f, size)
}

func parseSafetensors(r io.ReaderAt, size int64) (map[string]tensor, error) {
	var n [8]byte
	if _, err := r.ReadAt(n[:], 0); err != nil {
		return nil, formatf("the file is too short")
	}
	length := binary.LittleEndian.Uint64(n[:])
	if length > maxHeader || int64(length) > size-8 {
		return nil, formatf("a header of %d bytes in a file of %d", length, size)
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, 8); err != nil {
		return nil, formatf("the header is cut off")
	}
	var head map[string]json.RawMessage
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, formatf("the header is not JSON: %v", err)
	}
	ts := make(map[string]tensor, len(head))
	for name, entry := range head {
		if name == "__metadata__" {
			continue
		}
		var e struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(entry, &e); err != nil {
			return nil, formatf("the header's entry %q: %v", name, err)
		}
		t := tensor{shape: e.Shape, dtype: dtypeOther, offset: 8 + int64(length) + e.Offsets[0]}
		switch e.DType {
		case "F32":
			t.dtype = dtypeF32
		case "F16":
			t.dtype = dtypeF16
		case "BF16":
			t.dtype = dtypeBF16
		case "F64":
			t.dtype = dtypeF64
		}
		if e.Offsets[0] < 0 || e.Offsets[0] > size {
			return nil, formatf("%s lies outside the file", name)
		}
		if k, err := elements(t.shape); err != nil {
			return nil, err
		} else if t.dtype != dtypeOther && int64(k)*int64(t.dtype.size()) != e.Offsets[1]-e.Offsets[0] {
			return nil, formatf("%s has %d elements of %s in %d bytes", name, k, e.DType, e.Offsets[1]-e.Offsets[0])
		}
		ts[name] = t
	}
	return ts, nil
}
