package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/llmz/llmz/engine/rnn"
	"github.com/llmz/llmz/models/convert"
)

// tinyWeights returns a small GRU in the formats that weights come in.
func tinyWeights() (map[string][]byte, error) {
	const hidden, embed = 8, 4
	n := &convert.Network{Config: rnn.Config{Cell: "gru", Layers: 1, Hidden: hidden, Embed: embed}, Tensors: map[string]convert.Tensor{}}
	names := []string{"embedding.weight", "gru.weight_ih_l0", "gru.weight_hh_l0", "gru.bias_ih_l0", "gru.bias_hh_l0", "fc.weight", "fc.bias"}
	shapes := [][]int{{257, embed}, {3 * hidden, embed}, {3 * hidden, hidden}, {3 * hidden}, {3 * hidden}, {256, hidden}, {256}}
	r := rand.New(rand.NewPCG(9, 9))
	header := map[string]any{}
	var body, pickle bytes.Buffer
	storages := make([][]byte, len(names))
	pickle.WriteString("\x80\x02}(")
	for i, name := range names {
		size := shapes[i][0]
		if len(shapes[i]) == 2 {
			size *= shapes[i][1]
		}
		v := make([]float32, size)
		for j := range v {
			v[j] = float32(r.NormFloat64())
			storages[i] = binary.LittleEndian.AppendUint32(storages[i], math.Float32bits(v[j]))
		}
		n.Tensors[name] = convert.Tensor{Shape: shapes[i], Data: v}
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[i], "data_offsets": []int{body.Len(), body.Len() + 4*size}}
		body.Write(storages[i])
		pickleTensor(&pickle, name, i, shapes[i], size)
	}
	pickle.WriteString("u.")
	var model, archive bytes.Buffer
	if err := n.WriteGGUF(&model, convert.WriteOptions{Quantise: true, Name: "tiny"}); err != nil {
		return nil, err
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	z := zip.NewWriter(&archive)
	put := func(name string, data []byte) {
		if w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store}); err == nil {
			w.Write(data)
		}
	}
	put("a/data.pkl", pickle.Bytes())
	for i, s := range storages {
		put(fmt.Sprint("a/data/", i), s)
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	safe := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	return map[string][]byte{".gguf": model.Bytes(), ".pt": archive.Bytes(), ".safetensors": append(safe, body.Bytes()...)}, nil
}

// pickleTensor writes a tensor as torch.save does.
func pickleTensor(p *bytes.Buffer, name string, key int, shape []int, size int) {
	text := func(s string) {
		p.WriteByte('X')
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
		p.WriteString(s)
	}
	numbers := func(v ...int) {
		p.WriteByte('(')
		for _, n := range v {
			p.WriteByte('J')
			p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		}
		p.WriteByte('t')
	}
	text(name)
	p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
	text("storage")
	p.WriteString("ctorch\nFloatStorage\n")
	text(fmt.Sprint(key))
	text("cpu")
	p.WriteByte('J')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(size)))
	p.WriteString("tQK\x00")
	numbers(shape...)
	if len(shape) == 2 {
		numbers(shape[1], 1)
	} else {
		numbers(1)
	}
	p.WriteString("\x89}tR")
}
