package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
)

// maxHeader bounds the JSON header of a safetensors file. The format allows
// 100 MB; a model of a thousand tensors has a hundred kilobytes.
const maxHeader = 32 << 20

// parseSafetensors reads the header of a safetensors file: a length of 8 bytes,
// JSON, then the tensors' data.
func parseSafetensors(r io.ReaderAt, size int64) (map[string]*Tensor, error) {
	var n [8]byte
	if _, err := r.ReadAt(n[:], 0); err != nil {
		return nil, formatf("safetensors: a file of %d bytes", size)
	}
	length := binary.LittleEndian.Uint64(n[:])
	if length > maxHeader || int64(length) > size-8 {
		return nil, formatf("safetensors: a header of %d bytes in a file of %d", length, size)
	}
	raw := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(r, 8, int64(length)), raw); err != nil {
		return nil, formatf("safetensors: the header is cut off")
	}
	var head map[string]json.RawMessage
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, formatf("safetensors: the header is not JSON: %v", err)
	}
	ts := make(map[string]*Tensor, len(head))
	data := size - 8 - int64(length)
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
			return nil, formatf("safetensors: the header's entry %q: %v", shorten(name), err)
		}
		from, to := e.Offsets[0], e.Offsets[1]
		if from < 0 || from > to || to > data {
			return nil, formatf("safetensors: %q lies outside the file", shorten(name))
		}
		t := &Tensor{Shape: e.Shape, r: r, offset: 8 + int64(length) + from}
		for d, x := range dtypes {
			if x.name == e.DType {
				t.Type = d
			}
		}
		k, err := elements(t.Shape)
		if err != nil {
			return nil, err
		}
		if t.Type != 0 && int64(k)*int64(t.Type.size()) != to-from {
			return nil, formatf("safetensors: %q has %d elements of %s in %d bytes", shorten(name), k, t.Type, to-from)
		}
		t.stride = dense(t.Shape)
		ts[name] = t
	}
	return ts, nil
}

// isSafetensors reports whether a file begins like one: a length, then an object.
func isSafetensors(head []byte) bool {
	return len(head) > 8 && binary.LittleEndian.Uint64(head) <= 1<<32 && bytes.HasPrefix(bytes.TrimLeft(head[8:], " \t\r\n"), []byte("{"))
}
